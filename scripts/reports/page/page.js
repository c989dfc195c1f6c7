"use strict";
// Tables sort by their headings and filter by words and choices; without this script they are whole.
(function () {
  function text(row, column) { return row.cells[column].textContent.trim(); }
  function number(words) {
    var found = words.replace(/[,%]/g, "").replace("\u2212", "-");
    return found !== "" && isFinite(found) ? Number(found) : null;
  }
  function compare(one, two) {
    var a = number(one), b = number(two);
    if (a !== null && b !== null) { return a - b; }
    if (a !== null) { return 1; }
    if (b !== null) { return -1; }
    return one < two ? -1 : one > two ? 1 : 0;
  }
  document.querySelectorAll("table.sortable").forEach(function (table) {
    var heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach(function (head, column) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", function () {
        var way = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", way);
        var rows = Array.from(table.tBodies[0].rows);
        rows.sort(function (one, two) {
          return (way === "ascending" ? 1 : -1) * compare(text(one, column), text(two, column));
        });
        table.tBodies[0].append.apply(table.tBodies[0], rows);
      });
    });
  });
  document.querySelectorAll(".filters").forEach(function (box) {
    var table = document.getElementById(box.dataset.for);
    var rows = Array.from(table.tBodies[0].rows);
    var words = box.querySelector("[data-words]");
    var choices = Array.from(box.querySelectorAll("select"));
    choices.forEach(function (choice) {
      var values = new Set(rows.map(function (row) { return text(row, choice.dataset.column); }));
      Array.from(values).sort().forEach(function (value) { choice.add(new Option(value, value)); });
    });
    function apply() {
      var wanted = words.value.trim().toLowerCase(), shown = 0;
      rows.forEach(function (row) {
        var fits = row.textContent.toLowerCase().includes(wanted) && choices.every(function (choice) {
          return choice.value === "" || text(row, choice.dataset.column) === choice.value;
        });
        row.hidden = !fits;
        shown += fits ? 1 : 0;
      });
      box.querySelector(".count").textContent = shown + " of " + rows.length + " rows shown";
    }
    words.addEventListener("input", apply);
    choices.forEach(function (choice) { choice.addEventListener("change", apply); });
    box.hidden = false;
    apply();
  });
  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    opened.forEach(function (each) { each.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (each) { each.open = false; });
  });
})();
