"use strict";
// Tables sort by a click on a head: figures by their full value, missing cells always last.
const valueOf = (cell) => cell.dataset.v ?? cell.textContent.trim();
document.querySelectorAll(".sort").forEach((sorter) => {
  sorter.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sorter.click(); }
  });
  sorter.addEventListener("click", () => {
    const head = sorter.closest("th");
    const body = head.closest("table").tBodies[0];
    const at = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending";
    head.parentNode.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const numeric = head.classList.contains("n");
    const rows = [...body.rows].map((row) => [valueOf(row.cells[at]), row]);
    const missing = (value) => value === "" || value === "-";
    rows.sort(([a], [b]) => {
      if (missing(a) || missing(b)) return missing(a) - missing(b);
      const order = numeric ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true });
      return down ? -order : order;
    });
    body.append(...rows.map(([, row]) => row));
  });
});

// A table that goes on to the right says so at its edge.
document.querySelectorAll(".scroll").forEach((scroll) => {
  const mark = () =>
    scroll.parentNode.classList.toggle("more", scroll.scrollLeft + scroll.clientWidth < scroll.scrollWidth - 2);
  scroll.addEventListener("scroll", mark, { passive: true });
  window.addEventListener("resize", mark);
  mark();
});

// A plot reads off under the pointer: the local time, and each line's value to the drawing's resolution.
const zone = document.body.dataset.zone;
let clock;
try {
  clock = new Intl.DateTimeFormat("en-GB", { timeZone: zone, dateStyle: "medium", timeStyle: "short" });
} catch {
  clock = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", dateStyle: "medium", timeStyle: "short" });
}
document.querySelectorAll(".area").forEach((area) => {
  const svg = area.querySelector("svg");
  const [start, end] = svg.dataset.time.split(" ").map(Number);
  const [low, high] = svg.dataset.value.split(" ").map(Number);
  const { width, height } = svg.viewBox.baseVal;
  let lines;
  const read = () =>
    [...svg.querySelectorAll("path[data-name]:not(.band)")].map((path) => ({
      name: path.dataset.name,
      spots: path.classList.contains("bars")
        ? [...path.getAttribute("d").matchAll(/M(\d+) \d+V(\d+)H(\d+)/g)].map((m) => [(+m[1] + +m[3]) / 2, +m[2]])
        : [...path.getAttribute("d").matchAll(/[ML](\d+) (\d+)/g)].map((m) => [+m[1], +m[2]]),
    }));
  const tip = document.createElement("div");
  const hair = document.createElement("div");
  tip.className = "tip";
  hair.className = "hair";
  const leave = () => { tip.remove(); hair.remove(); };
  area.addEventListener("pointerleave", leave);
  area.addEventListener("pointermove", (event) => {
    lines ??= read();
    const box = svg.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const rows = [clock.format(new Date((start + share * (end - start)) * 1000))];
    for (const line of lines) {
      let best = null;
      for (const spot of line.spots) {
        if (best === null || Math.abs(spot[0] - share * width) < Math.abs(best[0] - share * width)) best = spot;
      }
      if (best === null || Math.abs(best[0] - share * width) > width / 40) continue;
      const value = high - (best[1] / height) * (high - low);
      rows.push(`${line.name} ${value.toFixed(Number(svg.dataset.digits))} ${svg.dataset.unit}`);
    }
    tip.replaceChildren(...rows.flatMap((row, at) => (at ? [document.createElement("br"), row] : [row])));
    hair.style.left = `${share * 100}%`;
    tip.style.left = share > 0.5 ? "" : `calc(${share * 100}% + 10px)`;
    tip.style.right = share > 0.5 ? `calc(${100 - share * 100}% + 10px)` : "";
    area.append(hair, tip);
  });
});
