// A region is a tab stop only while it scrolls.
(function () {
  "use strict";
  var regions = document.querySelectorAll(".table, .plot, .pane, pre");
  function mark() {
    regions.forEach(function (one) {
      if (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1) one.tabIndex = 0;
      else one.removeAttribute("tabindex");
    });
  }
  mark();
  window.addEventListener("resize", mark);
  document.addEventListener("change", mark);
  document.addEventListener("toggle", mark, true);
})();
