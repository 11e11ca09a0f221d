// The query language of `--filter`, the search box and the page's address; and the keyboard.
(function (root) {
  "use strict";
  var KEYS = ["op", "area", "is"];
  var IS = ["different", "failing"];

  function pattern(text) {
    return new RegExp("^" + text.replace(/[.+^${}()|\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".") + "$");
  }

  // Words that must all hold; several values of one key are alternatives.
  function parse(text, backends) {
    return text.split(/\s+/).filter(Boolean).map(function (word) {
      var negated = word.length > 1 && word[0] === "-";
      if (negated) word = word.slice(1);
      var colon = word.indexOf(":");
      if (colon < 0) return { key: "", value: word, negated: negated };
      var key = word.slice(0, colon), value = word.slice(colon + 1);
      if (KEYS.indexOf(key) < 0 && backends.indexOf(key) < 0)
        throw new Error("unknown key '" + key + "'; known: " + KEYS.concat(backends).join(", "));
      if (key === "is" && IS.indexOf(value) < 0) throw new Error("unknown is:" + value + "; known: " + IS.join(", "));
      return { key: key, value: value, negated: negated };
    });
  }

  function holds(term, item, backends) {
    var value = term.value, glob = /[*?]/.test(value);
    switch (term.key) {
      case "": return glob ? pattern(value).test(item.op) : item.op.toLowerCase().indexOf(value.toLowerCase()) >= 0;
      case "op": return glob ? pattern(value).test(item.op) : item.op === value || item.op.endsWith("." + value);
      case "area": return pattern(value).test(item.area);
      case "is": return value === "different" ? new Set(item.states).size > 1 : item.failing;
      default: return item.states[backends.indexOf(term.key)] === value;
    }
  }

  function matches(terms, item, backends) {
    var wanted = {};
    for (var term of terms) {
      var hit = holds(term, item, backends) !== term.negated;
      if (term.negated || term.key === "") { if (!hit) return false; }
      else wanted[term.key] = wanted[term.key] || hit;
    }
    return Object.values(wanted).every(Boolean);
  }

  root.assay = { parse: parse, matches: matches };
  if (typeof document === "undefined") return;

  var box = document.querySelector("input[type=search]"), wrong = document.querySelector(".wrong");
  var rows = Array.from(document.querySelectorAll("[data-op]")), matrix = document.querySelector("[data-backends]");
  var backends = matrix ? matrix.dataset.backends.split(" ") : [], at = -1;

  function shown() { return rows.filter(function (row) { return !row.hidden; }); }

  function search() {
    var terms;
    wrong.textContent = "";
    try { terms = parse(box.value, backends); } catch (error) { wrong.textContent = error.message; return; }
    rows.forEach(function (row) {
      row.hidden = !matches(terms, { op: row.dataset.op, area: row.dataset.area, states: (row.dataset.states || "").split(" "), failing: "failing" in row.dataset }, backends);
    });
    document.querySelectorAll("[data-group]").forEach(function (head) {
      head.hidden = !rows.some(function (row) { return !row.hidden && row.dataset.area === head.dataset.group; });
    });
    history.replaceState(null, "", box.value ? "#" + encodeURIComponent(box.value) : location.pathname);
  }

  function move(step) {
    var list = shown();
    if (!list.length) return;
    rows.forEach(function (row) { row.classList.remove("at"); });
    at = Math.max(0, Math.min(list.length - 1, at + step));
    list[at].classList.add("at");
    list[at].scrollIntoView({ block: "nearest" });
  }

  if (box) {
    box.value = decodeURIComponent(location.hash.slice(1));
    box.addEventListener("input", function () { at = -1; search(); });
    if (box.value) search();
    document.querySelectorAll("[data-word]").forEach(function (button) {
      button.addEventListener("click", function () {
        var word = button.dataset.word, words = box.value.split(/\s+/).filter(Boolean), index = words.indexOf(word);
        if (index < 0) words.push(word); else words.splice(index, 1);
        box.value = words.join(" ");
        search();
      });
    });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (button && navigator.clipboard) navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent).then(function () { button.textContent = "copied"; });
  });

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    var typing = event.target.tagName === "INPUT";
    if (event.key === "Escape") { if (box) { box.value = ""; box.blur(); search(); } return; }
    if (typing) { if (event.key === "Enter") box.blur(); return; }
    if (event.key === "/" && box) { event.preventDefault(); box.focus(); }
    else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "Enter" && at >= 0) { var link = shown()[at].querySelector("a"); if (link) location.href = link.href; }
    else if (event.key === "?") { var help = document.querySelector("dialog"); if (help) help.showModal(); }
  });
})(typeof window === "undefined" ? globalThis : window);
