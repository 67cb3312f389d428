// This device: a key that never leaves the browser, a number for each answer, signed requests.
// The protocol is in docs/devices.md: RFC 9421 with Ed25519, over an RFC 9530 digest.
const DATABASE = "langnghe";
const STORE = "device";
const SELF = "self";

function request(asked) {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function store(mode) {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  return (await request(opening)).transaction(STORE, mode).objectStore(STORE);
}

const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const base64url = (bytes) =>
  base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// What is kept: {id, scope, key, sequence}; nothing before the enrolment.
export async function self() {
  return request((await store("readonly")).get(SELF));
}

// The next number of this device; kept before it is used, so that none is used twice.
export async function nextNumber() {
  const kept = await store("readwrite");
  const known = await request(kept.get(SELF));
  known.sequence += 1;
  await request(kept.put(known, SELF));
  return known.sequence;
}

export async function enrol(code) {
  // Not extractable: no script, this one neither, can ever read it.
  const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
  const raw = await crypto.subtle.exportKey("raw", pair.publicKey);
  const answer = await fetch("/v1/devices", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code, public_key: base64url(raw) }),
  });
  if (answer.status !== 201) return false;
  const { device, scope } = await answer.json();
  const known = { id: device, scope, key: pair.privateKey, sequence: 0 };
  await request((await store("readwrite")).put(known, SELF));
  return true;
}

// How far the gateway's clock is ahead of ours, in milliseconds; learned when it refuses.
let ahead = 0;

export async function post(path, value) {
  const { id, key } = await self();
  const body = new TextEncoder().encode(JSON.stringify(value));
  const digest = `sha-256=:${base64(await crypto.subtle.digest("SHA-256", body))}:`;
  const created = Math.floor((Date.now() + ahead) / 1000);
  const nonce = base64url(crypto.getRandomValues(new Uint8Array(16)));
  const parameters =
    `("@method" "@path" "content-digest");created=${created};keyid="${id}"` +
    `;alg="ed25519";nonce="${nonce}";tag="langnghe"`;
  const base =
    `"@method": POST\n"@path": ${path}\n"content-digest": ${digest}\n` +
    `"@signature-params": ${parameters}`;
  const signature = await crypto.subtle.sign("Ed25519", key, new TextEncoder().encode(base));
  const answer = await fetch(path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "content-digest": digest,
      "signature-input": `sig=${parameters}`,
      signature: `sig=:${base64(signature)}:`,
    },
    body,
  });
  const date = answer.headers.get("date");
  if (answer.status === 401 && date) ahead = Date.parse(date) - Date.now();
  return answer;
}
