// Picks a model for a budget: of the tables in the page, shows that of the chosen device, scale and frame rate.
(function () {
  "use strict";
  var picker = document.getElementById("picker"), parts = Array.from(picker.querySelectorAll("tbody, figure"));
  var bodies = parts.filter(function (one) { return one.tagName === "TBODY"; });
  var device = document.getElementById("device"), scale = document.getElementById("scale");
  var rate = document.getElementById("rate");
  fill(device, values("device", bodies), "");
  fill(rate, values("rate", bodies), "60");
  picker.querySelector(".asked").hidden = false;
  [device, scale, rate].forEach(function (select) { select.addEventListener("change", show); });
  show();
  function show() {
    var ours = bodies.filter(function (one) { return one.dataset.device === device.value; });
    fill(scale, values("scale", ours), scale.value);
    parts.forEach(function (one) {
      var on = one.dataset.device === device.value && one.dataset.scale === scale.value;
      on = on && (!one.dataset.rate || one.dataset.rate === rate.value);
      if (one.tagName === "TBODY") one.hidden = !on;
      else one.classList.toggle("on", on);
    });
  }
  function values(name, all) {
    return all.map(function (one) { return one.dataset[name]; }).filter(function (one, place, list) {
      return list.indexOf(one) === place;
    });
  }
  function fill(select, options, wanted) {
    select.replaceChildren();
    options.forEach(function (text) {
      var option = document.createElement("option");
      option.value = text;
      option.textContent = select === scale ? "x" + text : text;
      select.appendChild(option);
    });
    if (options.indexOf(wanted) >= 0) select.value = wanted;
  }
})();
