/* Verifies a piece of evidence with what the browser itself computes: envelope, keys and proof are fetched, and nothing said about them is
   believed. DSSE with Ed25519 or ECDSA P-256, SHA-256, the RFC 6962 path to the root of the log, the signature under its checkpoint. */
(() => {
  "use strict";
  const panel = document.getElementById("verify");
  if (!panel) return;
  const words = panel.dataset;
  const encoder = new TextEncoder();
  const verdict = panel.querySelector("[data-verdict-live]");

  class Fault extends Error {}

  const fill = (text, ...parts) => parts.reduce((said, part) => said.replace("%s", () => part), text);
  const hex = (bytes) => Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
  const short = (bytes) => `${hex(bytes).slice(0, 16)}…`;
  const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const same = (left, right) => left.length === right.length && left.every((one, at) => one === right[at]);
  const bytesOf = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));

  const join = (...parts) => {
    const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    let at = 0;
    for (const part of parts) { whole.set(part, at); at += part.length; }
    return whole;
  };

  const step = (name) => panel.querySelector(`[data-step="${name}"]`);

  const show = (name, kind, said) => {
    const line = step(name);
    line.className = kind;
    line.querySelector("use").setAttribute("href", `#g-${kind === "waiting" ? "unknown" : kind}`);
    line.querySelector("[data-said]").textContent = said;
  };

  const good = (name, ...parts) => show(name, "met", fill(step(name).dataset.good, ...parts));

  const get = async (path) => {
    const answer = await fetch(words.base + path, { credentials: "same-origin", cache: "no-store" });
    if (!answer.ok) throw new Fault(String(answer.status));
    return new Uint8Array(await answer.arrayBuffer());
  };

  /* A DER signature of ECDSA as the two numbers of 32 bytes that WebCrypto takes. */
  const rawOf = (der) => {
    if (der[0] !== 0x30 || der[1] !== der.length - 2) throw new Fault("DER");
    let at = 2;
    const next = () => {
      if (der[at] !== 0x02) throw new Fault("DER");
      const size = der[at + 1];
      let number = der.subarray(at + 2, at + 2 + size);
      at += 2 + size;
      if (number.length === 33 && number[0] === 0) number = number.subarray(1);
      if (number.length > 32) throw new Fault("DER");
      return join(new Uint8Array(32 - number.length), number);
    };
    const whole = join(next(), next());
    if (at !== der.length) throw new Fault("DER");
    return whole;
  };

  const importKey = (form, bytes, type) =>
    crypto.subtle.importKey(form, bytes, type === "p256" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "Ed25519" }, false, ["verify"])
      .catch((error) => { throw new Fault(error.name === "NotSupportedError" && type !== "p256" ? words.noEd25519 : String(error.message)); });

  const fits = (key, type, signature, text) =>
    type === "p256"
      ? crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, rawOf(signature), text)
      : crypto.subtle.verify({ name: "Ed25519" }, key, signature, text);

  /* The steps. Each takes what those before it found and adds its own. */

  const envelope = async (found) => {
    found.bytes = await get("/envelope");
    found.sealed = await sha256(found.bytes);
    found.envelope = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(found.bytes));
    found.payload = bytesOf(found.envelope.payload);
    good("envelope", String(found.bytes.length), short(found.sealed));
  };

  const payload = async (found) => {
    found.id = await sha256(found.payload);
    if (hex(found.id) !== words.id) throw new Fault(short(found.id));
    good("payload");
  };

  const signature = async (found) => {
    found.keys = JSON.parse(new TextDecoder().decode(await get("/keys")));
    const type = encoder.encode(found.envelope.payloadType);
    const head = (part) => encoder.encode(` ${part.length} `);
    const signed = join(encoder.encode("DSSEv1"), head(type), type, head(found.payload), found.payload);
    const names = [];
    for (const one of found.envelope.signatures) {
      const key = found.keys.keys.find((known) => known.keyid === one.keyid);
      if (!key) continue;
      const der = bytesOf(key.public_key.replace(/-----[A-Z ]+-----|\s/g, ""));
      const holds = await fits(await importKey("spki", der, key.type), key.type, bytesOf(one.sig), signed).catch((error) => {
        if (error instanceof Fault && error.message !== "DER") throw error;
        return false;
      });
      if (!holds) throw new Fault(fill(words.badSignature, `${key.name} (${key.holder})`));
      if (key.standing === "valid") names.push(`${key.name} (${key.holder}, ${key.type === "p256" ? "ECDSA P-256" : "Ed25519"})`);
      else if (found.envelope.signatures.length === 1) throw new Fault(fill(words.keyStanding, key.name));
    }
    if (!names.length) throw new Fault(words.noKey);
    good("signature", names.join(", "));
  };

  const entry = async (found) => {
    const [head, ...rest] = new TextDecoder().decode(await get("/proof")).split("\n\n");
    const lines = head.split("\n");
    if (lines.shift() !== "c2sp.org/tlog-proof@v1" || !lines[0].startsWith("extra ")) throw new Fault(fill(words.notProof, lines[0]));
    found.leaf = bytesOf(lines.shift().slice(6));
    found.index = Number(lines.shift().slice(6));
    found.hashes = lines.filter(Boolean).map(bytesOf);
    [found.text, found.under] = [`${rest[0]}\n`, rest[1] || ""];
    const said = JSON.parse(new TextDecoder().decode(found.leaf));
    if (said.statement !== hex(found.id) || said.envelope !== hex(found.sealed)) throw new Fault(words.otherEntry);
    good("entry", String(found.index));
  };

  const leaf = async (found) => {
    found.hash = await sha256(join(Uint8Array.of(0), found.leaf));
    good("leaf", short(found.hash));
  };

  const path = async (found) => {
    const [origin, size, root] = found.text.split("\n");
    [found.origin, found.size] = [origin, Number(size)];
    let [position, last, hash] = [found.index, found.size - 1, found.hash];
    const node = (left, right) => sha256(join(Uint8Array.of(1), left, right));
    const half = (number) => Math.floor(number / 2);
    let whole = found.index < found.size;
    for (const one of found.hashes) {
      whole = whole && last > 0;
      if (position % 2 === 1 || position === last) {
        hash = await node(one, hash);
        while (position % 2 === 0 && position > 0) { position = half(position); last = half(last); }
      } else hash = await node(hash, one);
      position = half(position);
      last = half(last);
    }
    if (!whole || last !== 0 || !same(hash, bytesOf(root))) throw new Fault(short(hash));
    good("path", String(found.hashes.length), short(hash));
  };

  const checkpoint = async (found) => {
    if (!found.keys.log) throw new Fault(words.noLogKey);
    const [name, digits, ...key] = found.keys.log.split("+");
    const known = bytesOf(key.join("+"));
    const id = (await sha256(join(encoder.encode(`${name}\n`), known))).subarray(0, 4);
    if (name !== found.origin || known[0] !== 1 || hex(id) !== digits) throw new Fault(words.noLogKey);
    const log = await importKey("raw", known.subarray(1), "ed25519");
    let holds = false;
    for (const line of found.under.split("\n")) {
      const [dash, who, signed] = line.split(" ");
      if (dash !== "—" || who !== name) continue;
      const raw = bytesOf(signed);
      if (same(raw.subarray(0, 4), id)) holds = await fits(log, "ed25519", raw.subarray(4), encoder.encode(found.text));
    }
    if (!holds) throw new Fault(words.badNote);
    good("checkpoint", name, found.size.toLocaleString("en").replace(/,/g, "\u202f"));
  };

  const STEPS = { envelope, payload, signature, entry, leaf, path, checkpoint };
  const OF_LOG = ["entry", "leaf", "path", "checkpoint"];

  const run = async () => {
    panel.classList.remove("holds", "fails");
    const logged = words.logged === "yes";
    for (const name of Object.keys(STEPS)) show(name, "waiting", OF_LOG.includes(name) && !logged ? words.waiting : "");
    if (!window.isSecureContext || !crypto.subtle) {
      verdict.textContent = words.noCrypto;
      return;
    }
    const found = {};
    let broken = false;
    for (const [name, work] of Object.entries(STEPS)) {
      if (broken) show(name, "waiting", words.skipped);
      else if (logged || !OF_LOG.includes(name)) {
        try {
          await work(found);
        } catch (error) {
          broken = true;
          show(name, "not_met", fill(step(name).dataset.bad, error.message));
        }
      }
    }
    panel.classList.add(broken ? "fails" : "holds");
    verdict.textContent = broken ? words.broken : logged ? words.all : words.most;
  };

  panel.querySelector("[data-verify]").addEventListener("click", run);
  run();
})();
