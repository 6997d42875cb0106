// Tables sort by a click or key press on a column's head; values are in data-v, missing ones stay at the end.
(function () {
  "use strict";
  document.querySelectorAll("table.sortable").forEach(function (table) {
    var heads = Array.from(table.tHead.rows[table.tHead.rows.length - 1].cells);
    heads.forEach(function (head, column) {
      var button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", function () { sort(table, heads, column); });
    });
  });
  function sort(table, heads, column) {
    var head = heads[column], now = head.getAttribute("aria-sort");
    var first = head.dataset.better === "higher" ? "descending" : "ascending";
    var other = first === "ascending" ? "descending" : "ascending";
    var direction = now === first ? other : first;
    heads.forEach(function (one) { one.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", direction);
    var body = table.tBodies[0], sign = direction === "ascending" ? 1 : -1;
    Array.from(body.rows).map(function (row, place) {
      var cell = row.cells[column], text = cell.dataset.v;
      return { row: row, place: place, missing: text === undefined, number: Number(text), text: text };
    }).sort(function (a, b) {
      if (a.missing || b.missing) return a.missing - b.missing || a.place - b.place;
      var numbers = !isNaN(a.number) && !isNaN(b.number);
      var order = numbers ? a.number - b.number : a.text.localeCompare(b.text, "en");
      return sign * order || a.place - b.place;
    }).forEach(function (entry) { body.appendChild(entry.row); });
  }
})();
