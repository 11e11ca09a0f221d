"""torch.utils.model_zoo: the name of old for weights from a URL."""

from assay_reference.hub import load_state_dict_from_url as load_url

__all__ = ["load_url"]
