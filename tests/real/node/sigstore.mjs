// Verifies sigstore bundles with @sigstore/verify. Standard input: {"keys": {hint: base64 of the public key in DER}, "bundles": [...]}.
// Writes one line a bundle: "holds", or why it does not.
import { readFileSync } from "node:fs";
import { bundleFromJSON } from "@sigstore/bundle";
import { Verifier, toSignedEntity, toTrustMaterial } from "@sigstore/verify";

const given = JSON.parse(readFileSync(0, "utf8"));
const keys = Object.fromEntries(
  Object.entries(given.keys).map(([hint, der]) => [hint, { rawBytes: Buffer.from(der, "base64") }]),
);
const nobody = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
const verifier = new Verifier(toTrustMaterial(nobody, keys), { tlogThreshold: 0, timestampThreshold: 0, ctlogThreshold: 0 });

for (const bundle of given.bundles) {
  try {
    verifier.verify(toSignedEntity(bundleFromJSON(bundle)));
    console.log("holds");
  } catch (error) {
    console.log(`does not hold: ${error.message}`.split("\n")[0]);
  }
}
