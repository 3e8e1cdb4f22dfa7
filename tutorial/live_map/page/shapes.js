// The symbol of a search: a shape and a colour, so that it does not depend on colour alone.

const SHAPES = {
  circle: "M-7 0a7 7 0 1 0 14 0a7 7 0 1 0 -14 0z",
  square: "M-6.5 -6.5h13v13h-13z",
  triangle: "M0 -8L7.5 6h-15z",
  diamond: "M0 -8.5L8 0L0 8.5L-8 0z",
  bar: "M-9 -4h18v8h-18z",
  cross: "M-2.7 -8h5.4v5.3h5.3v5.4h-5.3v5.3h-5.4v-5.3h-5.3v-5.4h5.3z",
};
const COLOURS = 5; // see map.css
const SVG = "http://www.w3.org/2000/svg";

// An element of an SVG with these attributes.
export function drawn(name, attributes = {}) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

// The shape of search `number`, as a path around the point 0, 0. The same number always gives
// the same shape and colour.
export function shapeOf(number) {
  const names = Object.keys(SHAPES);
  const name = names[number % names.length];
  return drawn("path", { d: SHAPES[name], class: `shape colour-${number % COLOURS}` });
}

// The shape as a separate SVG, for use in a line of text.
export function iconOf(number) {
  const svg = drawn("svg", { viewBox: "-10 -10 20 20", class: "icon", "aria-hidden": "true" });
  svg.append(shapeOf(number));
  return svg;
}
