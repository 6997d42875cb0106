// Tables sort by a click or key press on a column's head; values are in data-v, missing ones stay at the end.
// The first head of a table is a tab stop, arrow keys lead to the others. A page's script may ask for an order by the
// event `sort-by`, and is told of one by `sorted`.
(function () {
  "use strict";
  var places = new Map();  // of rows as they came: equal ones keep this order
  document.querySelectorAll("table.sortable").forEach(function (table) {
    var heads = Array.from(table.tHead.rows[table.tHead.rows.length - 1].cells);
    Array.from(table.tBodies[0].rows).forEach(function (row, place) { places.set(row, place); });
    heads.forEach(function (head, column) {
      var button = document.createElement("button");
      button.type = "button";
      button.tabIndex = column ? -1 : 0;
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", function () {
        sort(table, heads, column, "");
        var detail = { key: head.dataset.key, direction: head.getAttribute("aria-sort") };
        table.dispatchEvent(new CustomEvent("sorted", { bubbles: true, detail: detail }));
      });
      button.addEventListener("keydown", function (event) {
        var step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], next = column + step;
        while (step && heads[next] && !heads[next].offsetWidth) next += step;
        if (!step || !heads[next]) return;
        event.preventDefault();
        heads[next].firstChild.focus();
      });
    });
    table.addEventListener("sort-by", function (event) {
      heads.forEach(function (head, column) {
        if (head.dataset.key === event.detail.key) sort(table, heads, column, event.detail.direction);
      });
    });
  });
  function sort(table, heads, column, wanted) {
    var head = heads[column], now = head.getAttribute("aria-sort");
    var first = head.dataset.better === "higher" ? "descending" : "ascending";
    var other = first === "ascending" ? "descending" : "ascending";
    var direction = wanted || (now === first ? other : first);
    heads.forEach(function (one) { one.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", direction);
    var body = table.tBodies[0], sign = direction === "ascending" ? 1 : -1;
    Array.from(body.rows).map(function (row) {
      var cell = row.cells[column], text = cell.dataset.v;
      return { row: row, place: places.get(row), missing: text === undefined, number: Number(text), text: text };
    }).sort(function (a, b) {
      if (a.missing || b.missing) return a.missing - b.missing || a.place - b.place;
      var numbers = !isNaN(a.number) && !isNaN(b.number);
      var order = numbers ? a.number - b.number : a.text.localeCompare(b.text, "en");
      return sign * order || a.place - b.place;
    }).forEach(function (entry) { body.appendChild(entry.row); });
  }
})();
