// The picture of the flow: a token for each search, at the station where the search is.

import { drawn, shapeOf } from "./shapes.js";
import { isOver, searches, stationAt } from "./story.js";

// The angles at which tokens are drawn around a station, in degrees. If a station has more
// tokens, the picture shows only how many more there are.
const ANGLES = [-90, -40, -140, 0, 180];
const AROUND = ANGLES.length;
const STAYS = 6; // seconds for which the token stays after the end of its search

const pictures = [...document.querySelectorAll(".flow > svg")].map((svg) => ({
  svg,
  places: svg.dataset.places.split(" ").map((pair) => pair.split(",").map(Number)),
  tokens: svg.querySelector(".tokens"),
  known: new Map(),
}));

// Draw the tokens. `now` is in seconds since 1970. If `alone` is a search, draw only its
// token, at the station that the search had reached after the hop with the number `index`.
export function drawPicture(now, run, selected, alone = null, index = 0) {
  const shown = alone ? [alone] : [...searches.values()].filter((search) => {
    // Searches from an earlier start of the project have ended. Show one only if it is selected.
    if (search !== selected && !search.key.startsWith(`${run}-`)) return false;
    const last = Math.max(search.started, ...search.hops.map((hop) => hop.until));
    return search === selected || !isOver(search) || now - last < STAYS;
  });
  const at = new Map();
  for (const search of shown) {
    const station = alone ? stationAt(search, index) : stationAt(search);
    if (!at.has(station)) at.set(station, []);
    at.get(station).push(search);
  }
  for (const picture of pictures) drawTokens(picture, at, selected);
  mark(alone || selected, Boolean(alone), index);
}

function drawTokens(picture, at, selected) {
  const gone = new Set(picture.known.keys());
  for (const [station, found] of at) {
    const [x, y] = picture.places[station - 1];
    found.slice(-AROUND).forEach((search, number) => {
      const token = picture.known.get(search.key) || newToken(picture, search);
      const angle = ANGLES[number] * (Math.PI / 180);
      const left = x + 31 * Math.cos(angle);
      const top = y + 29 * Math.sin(angle);
      token.style.transform = `translate(${left}px, ${top}px)`;
      token.setAttribute("class", `token is-${search.state}`);
      token.classList.toggle("is-selected", search === selected);
      token.classList.toggle("is-unobserved", station === 7);
      gone.delete(search.key);
    });
    countOthers(picture, station, found.length - AROUND);
  }
  for (const key of gone) {
    picture.known.get(key).remove();
    picture.known.delete(key);
  }
  for (let station = 1; station <= 7; station += 1) {
    if (!at.has(station)) countOthers(picture, station, 0);
  }
}

function newToken(picture, search) {
  const token = drawn("g", { class: "token", "data-number": search.number });
  token.append(drawn("circle", { r: 12, class: "ring" }), shapeOf(search.number));
  picture.tokens.append(token);
  picture.known.set(search.key, token);
  return token;
}

function countOthers(picture, station, count) {
  const name = `others-${station}`;
  let text = picture.tokens.querySelector(`.${name}`);
  if (count <= 0) return text?.remove();
  if (!text) {
    const [x, y] = picture.places[station - 1];
    text = drawn("text", { x: x + 44, y: y - 30, class: `others ${name}` });
    picture.tokens.append(text);
  }
  text.textContent = `+${count}`;
}

// Mark the stations that the selected search has reached, and the one where it is stuck.
function mark(search, isReplay, index) {
  const reached = search ? stationAt(search, isReplay ? index : undefined) : 0;
  for (const station of document.querySelectorAll(".flow a.station")) {
    const stage = Number(station.dataset.stage);
    const halt = !isReplay && search?.halt;
    station.classList.toggle("is-reached", stage <= reached);
    const isHere = Boolean(halt && halt.stage === stage);
    const isCalm = ["waiting", "ends", "undelivered", "refused"].includes(search?.state);
    station.classList.toggle("is-halt", isHere && !isCalm);
    station.classList.toggle("is-pause", isHere && isCalm);
  }
}
