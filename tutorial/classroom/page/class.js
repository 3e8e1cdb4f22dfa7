// Sorts the table by the column whose header is clicked; a second click reverses it.
const table = document.querySelector("table");
const heads = [...table.tHead.rows[0].cells];

function sort(column) {
  const head = heads[column];
  const order = head.ariaSort === "ascending" ? "descending" : "ascending";
  const sign = order === "ascending" ? 1 : -1;
  const key = (body) => body.rows[0].cells[column].dataset.key;
  const bodies = [...table.tBodies].sort((a, b) => sign * key(a).localeCompare(key(b)));
  table.append(...bodies);
  for (const other of heads) {
    other.ariaSort = other === head ? order : "none";
  }
}

heads.forEach((head, column) => {
  head.firstElementChild.addEventListener("click", () => sort(column));
});
