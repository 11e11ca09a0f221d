// Search, keys, copying. Every page says all that it has to say without this.
(function (root) {
  "use strict";
  var ABOUT_ITEMS = ["facet", "dtype", "outcome", "code", "id"];
  var KEYS = ["op", "area"].concat(ABOUT_ITEMS);
  var IS = ["different", "failing"];

  // ---- The query language of `assay run --filter`; a site adds `is:` and the names of its backends.

  // Words as a shell has them: quotes and backslashes keep spaces.
  function split(text) {
    var words = [], word = null, quote = "";
    for (var i = 0; i < text.length; i++) {
      var c = text[i];
      if (quote) {
        if (c === quote) quote = "";
        else if (c === "\\" && quote === '"' && /["\\]/.test(text[i + 1] || "")) word += text[++i];
        else word += c;
      } else if (c === '"' || c === "'") { quote = c; word = word || ""; }
      else if (c === "\\") {
        if (++i === text.length) throw new Error("'" + text + "': No escaped character; close the quotes");
        word = (word || "") + text[i];
      } else if (/[ \t\r\n]/.test(c)) { if (word !== null) words.push(word); word = null; }
      else word = (word || "") + c;
    }
    if (quote) throw new Error("'" + text + "': No closing quotation; close the quotes");
    return word === null ? words : words.concat(word);
  }

  // A pattern of a shell as a regular expression: `*`, `?`, `[seq]`, `[!seq]`.
  function pattern(text) {
    var out = "", i = 0;
    while (i < text.length) {
      var c = text[i++], end = c === "[" ? text.indexOf("]", i + (text[i] === "!" ? 2 : 1)) : -1;
      if (c === "*") out += ".*";
      else if (c === "?") out += ".";
      else if (end < 0) out += c.replace(/[.+^${}()|[\]\\]/, "\\$&");
      else {
        out += "[" + text.slice(i, end).replace(/[\\\]^[]/g, "\\$&").replace(/^!/, "^") + "]";
        i = end + 1;
      }
    }
    try { return new RegExp("^(?:" + out + ")$", "s"); } catch (error) { return /^\b$/; } // [z-a] matches nothing
  }

  function globbed(text) { return /[*?[]/.test(text); }

  function distance(a, b) {
    var row = Array.from({ length: b.length + 1 }, function (_, j) { return j; });
    for (var i = 1; i <= a.length; i++) {
      var corner = row[0];
      row[0] = i;
      for (var j = 1; j <= b.length; j++) {
        var above = row[j];
        row[j] = Math.min(above + 1, row[j - 1] + 1, corner + (a[i - 1] === b[j - 1] ? 0 : 1));
        corner = above;
      }
    }
    return row[b.length];
  }

  function suggestion(word, known) {
    var near = known.slice().sort(function (a, b) { return distance(word, a) - distance(word, b); })[0];
    return near !== undefined && distance(word, near) <= near.length / 2 ? "did you mean '" + near + "'?" : "known: " + known.join(", ");
  }

  function term(word, backends, words) {
    var negated = word[0] === "-" && word.length > 1;
    if (negated) word = word.slice(1);
    var known = KEYS.concat(backends.length ? ["is"] : []), colon = word.indexOf(":"), key = word.slice(0, Math.max(colon, 0));
    var backend = known.indexOf(key) < 0 && backends.filter(function (name) { return word.indexOf(name + ":") === 0; })
      .sort(function (a, b) { return b.length - a.length; })[0];
    if (backend) key = backend;
    else if (word.indexOf("::") >= 0 && known.indexOf(key) < 0) return { key: "id", value: word, negated: negated };
    else if (colon < 0) return { key: "", value: word, negated: negated };
    else if (known.indexOf(key) < 0)
      throw new Error("unknown key '" + key + "' in '" + word + "' (" + suggestion(key, known.concat(backends)) + ")");
    var value = word.slice(key.length + 1), of = backend ? words.outcome : key === "is" ? IS : words[key];
    if (of && of.indexOf(value) < 0 && !globbed(value))
      throw new Error("unknown " + (backend ? "outcome" : key) + " '" + value + "' (" + suggestion(value, of) + ")");
    return { key: key, value: value, negated: negated, backend: backend ? backends.indexOf(backend) : -1 };
  }

  // Words that must all hold; several with one key are alternatives.
  function parse(text, backends, words) {
    return split(text).map(function (word) { return term(word, backends, words || {}); });
  }

  function compares(each) {
    var value = each.value, like = pattern(value), short = "." + value;
    if (each.key === "op" && !globbed(value)) return function (found) { return found === value || found.endsWith(short); };
    if (each.key === "" && !globbed(value)) return function (found) { return found.toLowerCase().indexOf(value.toLowerCase()) >= 0; };
    return function (found) { return found === value || like.test(found); };
  }

  function hit(each, thing) {
    if (each.key === "is") return each.value === "different" ? new Set(thing.states).size > 1 : thing.failing;
    var found = each.backend >= 0 ? thing.states[each.backend] : thing[each.key || "op"];
    each.known = each.known || new Map();
    each.compare = each.compare || compares(each);
    if (!each.known.has(found)) each.known.set(found, each.compare(found));
    return each.known.get(found);
  }

  function holds(terms, thing) {
    var wanted = {};
    for (var each of terms) {
      var held = hit(each, thing) !== each.negated;
      if (each.negated || each.key === "") { if (!held) return false; }
      else wanted[each.key] = wanted[each.key] || held;
    }
    return Object.values(wanted).every(Boolean);
  }

  function aboutItems(each) { return ABOUT_ITEMS.indexOf(each.key) >= 0; }

  // Whether a row is meant: its op, area and states hold, and some result of it does, in the backends that are named.
  // `seen` is called with the backend of each such result.
  function matches(terms, row, backends, seen) {
    var asked = terms.filter(aboutItems);
    if (!holds(terms.filter(function (each) { return !aboutItems(each); }), row)) return false;
    if (!asked.length) return true;
    var named = terms.filter(function (each) { return each.backend >= 0 && !each.negated; }).map(function (each) { return each.backend; });
    return (data.ops[row.op] || [""]).slice(1).reduce(function (found, states, backend) {
      if (named.length && named.indexOf(backend) < 0) return found;
      var count = held(asked, terms, row.op, states);
      if (count && seen) seen(backend, count);
      return found || count > 0;
    }, false);
  }

  // ---- Every item's outcome and code: `data/items.js`, which is read when somebody asks about items.

  var data = null, waiting = null;

  function load(found) {
    data = found;
    if (waiting) waiting();
  }

  // How many of a backend's results of an op hold. There may be hundreds of thousands, and few kinds and states of them:
  // what is known of a kind in a state is kept, for one op where its name matters, else for all.
  function held(asked, terms, op, states) {
    var kinds = data.ops[op][0], count = 0;
    if (!terms.held || terms.op !== op && asked.some(function (each) { return each.key === "id"; })) terms.held = [];
    terms.op = op;
    for (var i = 0; i < states.length; i++) {
      var state = states.charCodeAt(i) - data.first, kind = kinds.charCodeAt(i) - data.first, at = kind * data.states.length + state;
      if (state < 0) continue;
      if (terms.held[at] === undefined) terms.held[at] = holds(asked, result(op, data.kinds[kind], data.states[state]));
      if (terms.held[at]) count++;
    }
    return count;
  }

  function result(op, kind, state) {
    return { id: op + "::" + kind[0], facet: kind[1], dtype: kind[2], outcome: state[0], code: state[1] };
  }

  root.assay = { parse: parse, matches: matches, load: load };
  if (typeof document === "undefined") return;

  // ---- Search: in place where a page has rows of functions, else on the matrix.

  var BROKEN = "td.fail, td.error, td.crash, td.timeout, td.harness_error, td.suite_error";
  var main = document.querySelector("main"), form = document.querySelector(".search"), box = form.querySelector("input");
  var said = document.querySelector(".tools [role=status]"), searched = document.getElementById("-words");
  var words = searched ? JSON.parse(searched.textContent) : {}, backends = words.backends || [], rows = [];
  document.querySelectorAll("[hidden]").forEach(function (each) { each.hidden = false; });
  if (searched) rows = Array.from(main.querySelectorAll("[data-area] tr:not(.sum)")).map(rowOf);

  function rowOf(element) {
    return {
      element: element,
      op: element.firstElementChild.firstElementChild.textContent,
      area: element.parentElement.dataset.area,
      get states() { return Array.from(element.querySelectorAll("td"), function (cell) { return cell.classList[0]; }); },
      get failing() { return Boolean(element.querySelector(BROKEN)); }
    };
  }

  function say(text, wrong) {
    said.textContent = text;
    said.classList.toggle("wrong", Boolean(wrong));
  }

  function count(number, what) { return number.toLocaleString("en") + " " + what + (number === 1 ? "" : "s"); }

  function search() {
    var terms = [], wrong = "";
    try { terms = parse(box.value, backends, words); } catch (error) { wrong = error.message; }
    var asking = terms.some(aboutItems);
    if (asking && !data) return fetchItems();
    var found = show(terms, asking);
    document.querySelectorAll("[data-word]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(box.value.split(/\s+/).indexOf(button.dataset.word) >= 0));
    });
    if (wrong) say(wrong, true);
    else if (!terms.length) say("");
    else if (!found.rows) say("Nothing found.");
    else say(found.rows.toLocaleString("en") + " of " + count(rows.length, "function") + (asking ? ", " + count(found.results, "result") : ""));
  }

  // Shows the rows that are meant, and greys the cells of backends in which no item of theirs is.
  function show(terms, asking) {
    var found = { rows: 0, results: 0 };
    rows.forEach(function (row) {
      var meant = new Set();
      row.element.hidden = !matches(terms, row, backends, function (backend, number) { meant.add(backend); found.results += number; });
      if (!row.element.hidden) found.rows++;
      if (backends.length && (asking || row.greyed))
        row.element.querySelectorAll("td").forEach(function (cell, index) { cell.classList.toggle("other", asking && !meant.has(index)); });
      row.greyed = asking;
    });
    document.querySelectorAll("[data-area]").forEach(function (group) {
      var left = group.querySelectorAll("tr:not([hidden])").length;
      group.hidden = left === 1;
      group.style.setProperty("--rows", left);
    });
    return found;
  }

  function fetchItems() {
    if (waiting) return;
    waiting = search;
    var script = document.createElement("script");
    script.src = form.dataset.items;
    script.onerror = function () { waiting = null; say(form.dataset.items + " cannot be read: it belongs beside this page", true); script.remove(); };
    document.head.append(script);
    say("Reading the items …");
  }

  function address(text) { return text ? "#" + encodeURIComponent(text).replace(/%(3A|2C|5B|5D)/g, decodeURIComponent) : ""; }

  function fragment() {
    var text = location.hash.slice(1);
    try { return decodeURIComponent(text); } catch (error) { return ""; }
  }

  function typed() {
    search();
    history.replaceState(null, "", address(box.value) || location.pathname + location.search);
  }

  function follow() {
    if (searched) { box.value = fragment(); search(); return; }
    var target = document.getElementById(location.hash.slice(1)) || document.getElementById(fragment());
    for (var each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    if (target) target.scrollIntoView();
  }

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    if (searched) move(1); else location.href = form.getAttribute("action") + address(box.value);
  });
  if (searched) box.addEventListener("input", typed);
  document.querySelectorAll("[data-word]").forEach(function (button) {
    button.addEventListener("click", function () {
      var word = button.dataset.word, words = box.value.split(/\s+/).filter(Boolean), index = words.indexOf(word);
      if (index < 0) words.push(word); else words.splice(index, 1);
      box.value = words.join(" ");
      typed();
    });
  });
  root.addEventListener("hashchange", follow);
  follow();

  // ---- Keys and buttons.

  var keys = document.querySelector("dialog");

  function move(step) {
    var stops = Array.from(document.querySelectorAll(main.dataset.stops)).filter(function (each) { return !each.closest("[hidden]"); });
    var at = stops.indexOf(document.activeElement), next = stops[at < 0 ? 0 : at + step];
    if (next) next.focus();
  }

  function clear() {
    box.blur();
    if (!box.value) return;
    box.value = "";
    if (searched) typed();
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    if (event.key === "Escape") clear();
    else if (event.target === box) return;
    else if (event.key === "/") { event.preventDefault(); box.focus(); box.select(); }
    else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "?") keys.showModal();
  });
  document.querySelector("[data-opens]").addEventListener("click", function () { keys.showModal(); });

  document.querySelectorAll(".program").forEach(function (program) {
    var button = document.createElement("button"), text = program.querySelector("pre");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", function () {
      getSelection().selectAllChildren(text); // for Ctrl+C, where a page may not copy by itself
      if (navigator.clipboard) navigator.clipboard.writeText(text.textContent).then(function () { button.textContent = "Copied"; }, function () {});
    });
    program.append(button);
  });
})(typeof window === "undefined" ? globalThis : window);
