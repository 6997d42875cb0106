// Orders the crops of an image by gain or FPS; those without a value come last.
(function () {
  "use strict";
  var gallery = document.getElementById("gallery"), order = document.getElementById("order");
  var figures = Array.from(gallery.children), select = order.querySelector("select");
  order.hidden = false;
  select.addEventListener("change", function () {
    var name = select.value, sorted = figures.slice();
    function value(figure) { return figure.dataset[name] === undefined ? -Infinity : Number(figure.dataset[name]); }
    if (name) sorted.sort(function (a, b) { return value(b) - value(a) || figures.indexOf(a) - figures.indexOf(b); });
    gallery.append.apply(gallery, sorted);
  });
})();
