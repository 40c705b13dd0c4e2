// Draws the page's figures with plotly: in the theme's colours, in the layout that fits the width.
(function () {
  "use strict";
  var figures = JSON.parse(document.getElementById("figures").textContent);
  var COMPACT_BELOW = 560;
  var drawn = new Map();

  function resolved(value, key, theme) {
    if (typeof value === "string") {
      return /color$/.test(key) && value[0] === "@" ? theme.getPropertyValue("--" + value.slice(1)).trim() : value;
    }
    if (Array.isArray(value)) return value.map(function (item) { return resolved(item, key, theme); });
    if (value && typeof value === "object") {
      var copy = {};
      Object.keys(value).forEach(function (name) { copy[name] = resolved(value[name], name, theme); });
      return copy;
    }
    return value;
  }

  function merge(target, changes) {
    Object.keys(changes || {}).forEach(function (key) {
      var change = changes[key];
      if (change && typeof change === "object" && !Array.isArray(change)) target[key] = merge(target[key] || {}, change);
      else target[key] = change;
    });
    return target;
  }

  function draw(element) {
    var plot = element.querySelector(".plot");
    element.classList.add("drawn");
    var width = Math.floor(plot.getBoundingClientRect().width);
    if (!width) return;
    var name = element.dataset.figure;
    var mode = width < COMPACT_BELOW ? "compact" : "wide";
    var theme = getComputedStyle(document.documentElement);
    var figure = resolved(figures[name], "", theme);
    var small = Boolean(element.closest(".panel"));
    if (mode === "compact") merge(figure.layout, figure.compact);
    figure.data.forEach(function (trace) { if (trace.meta) trace.visible = trace.meta === mode; });
    figure.layout.annotations = figure.layout.annotations.filter(function (note) { return !note.name || note.name === mode; });
    figure.layout.width = width;
    element.classList.toggle("compact", mode === "compact" && !small);
    drawn.set(element, width);
    Plotly.react(plot, figure.data, figure.layout, { displayModeBar: false, responsive: false, showTips: false });
  }

  function save(name, type, content) {
    var link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: type }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  // Names are stored escaped, because plotly reads entities.
  function plain(words) {
    return String(words).replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
  }

  function cell(value) {
    var words = value === null || value === undefined ? "" : String(value);
    return /[",\n]/.test(words) ? '"' + words.replace(/"/g, '""') + '"' : words;
  }

  function csv(names) {
    var rows = [["figure", "series", "x", "y", "label"]];
    names.split(",").forEach(function (name) {
      figures[name].data.forEach(function (trace, number) {
        if (trace.meta === "compact") return;
        trace.x.forEach(function (x, i) {
          rows.push([name, plain(trace.name || "series " + number), x, trace.y[i], trace.text ? plain(trace.text[i]) : ""]);
        });
      });
    });
    return rows.map(function (row) { return row.map(cell).join(","); }).join("\n") + "\n";
  }

  var elements = Array.prototype.slice.call(document.querySelectorAll("[data-figure]"));
  elements.forEach(draw);
  document.documentElement.classList.add("ready");

  var queued = 0;
  function redraw(force) {
    cancelAnimationFrame(queued);
    queued = requestAnimationFrame(function () {
      elements.forEach(function (element) {
        var width = Math.floor(element.querySelector(".plot").getBoundingClientRect().width);
        if (width && (force || drawn.get(element) !== width)) draw(element);
      });
    });
  }
  window.addEventListener("resize", function () { redraw(false); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () { redraw(true); });

  document.addEventListener("click", function (event) {
    var button = event.target.closest("button[data-csv], button[data-svg]");
    if (!button) return;
    if (button.dataset.csv) save(button.dataset.csv.split(",")[0] + ".csv", "text/csv", csv(button.dataset.csv));
    else {
      var plot = button.closest("[data-figure]").querySelector(".plot");
      Plotly.downloadImage(plot, { format: "svg", filename: button.dataset.svg, width: plot.clientWidth, height: plot.clientHeight });
    }
  });

  var links = {};
  document.querySelectorAll(".contents a").forEach(function (link) { links[link.hash.slice(1)] = link; });
  if ("IntersectionObserver" in window) {
    var observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (!entry.isIntersecting) return;
        Object.keys(links).forEach(function (id) { links[id].removeAttribute("aria-current"); });
        links[entry.target.id].setAttribute("aria-current", "true");
      });
    }, { rootMargin: "-10% 0px -75% 0px" });
    Object.keys(links).forEach(function (id) { observer.observe(document.getElementById(id)); });
  }
})();
