// What the dashboard shows: read as it stands, then moved by what /v1/live tells.
const GROUP_KINDS = ["province", "ministry"];
// So many offices are shown unasked: a pilot as a whole, of a country none.
const FEW_OFFICES = 60;

export const state = {
  window: "24h",
  places: new Map(), // scope -> index view; the country's, too
  groups: [], // scopes of provinces and ministries with answers
  offices: new Map(), // group that is open -> scopes of its offices with answers
  closed: new Set(), // groups that are not
  alerts: new Map(), // alert id -> {name, alert}
  detail: null,
};

export const FOLLOWED_KINDS = ["country", ...GROUP_KINDS];

// Something cannot be had now, or, with a status from 400 on, never.
export class ReadError extends Error {
  constructor(path, status) {
    super(`${path}: ${status ?? "no answer"}`);
    this.never = status < 500;
  }
}

async function read(path) {
  const response = await fetch(path).catch(() => {
    throw new ReadError(path);
  });
  if (!response.ok) throw new ReadError(path, response.status);
  return response.json();
}

// What was read may be older than what /v1/live has told meanwhile.
export function keep(view) {
  const known = state.places.get(view.scope);
  if (!known || known.version <= view.version) state.places.set(view.scope, view);
}

function answered(list) {
  const views = list.indices.filter((view) => view.version > 0);
  views.forEach(keep);
  return views;
}

export async function readPlaces() {
  const [country, top] = await Promise.all([
    read("/v1/indices/country?days=1"),
    read("/v1/indices?parent=country"),
  ]);
  keep(country);
  state.groups = answered(top)
    .filter((view) => GROUP_KINDS.includes(view.kind))
    .map((view) => view.scope);
  await Promise.all([...state.offices.keys()].map(readOffices));
  await openWhileFew();
}

async function openWhileFew() {
  const shown = () => [...state.offices.values()].flat().length;
  let room = shown() < FEW_OFFICES;
  for (const group of state.groups) {
    if (state.offices.has(group) || state.closed.has(group)) continue;
    if (room) {
      await openGroup(group);
      room = shown() <= FEW_OFFICES;
    }
    if (!room) closeGroup(group);
  }
}

async function readOffices(group) {
  const list = await read(`/v1/indices?parent=${encodeURIComponent(group)}&kind=unit`);
  const offices = answered(list).map((view) => view.scope);
  // It may have been closed meanwhile.
  if (state.offices.has(group)) state.offices.set(group, offices);
}

export async function openGroup(group) {
  state.closed.delete(group);
  state.offices.set(group, []);
  await readOffices(group);
}

export function closeGroup(group) {
  state.offices.delete(group);
  state.closed.add(group);
}

export async function readAlerts() {
  const list = await read("/v1/alerts?state=firing");
  state.alerts = new Map(list.alerts.map((view) => [view.alert.alert, view]));
}

// The scope whose detail is asked for.
export function chosen() {
  return decodeURIComponent(location.hash.slice(1));
}

async function readOne(scope) {
  try {
    return await read(`/v1/indices/${encodeURIComponent(scope)}?days=90`);
  } catch (error) {
    if (error.never) return null; // an old link
    throw error;
  }
}

export async function readDetail() {
  const scope = chosen();
  const detail = scope ? await readOne(scope) : null;
  // Another was chosen while this was read, or none.
  if (scope === chosen()) state.detail = detail;
}
