// Verifies a readiness statement and its status list with packages that others made. Offline: documents come from the command line.
// node verify.js vc STATEMENT.json CONTROLLER.json [STATUS.json]   |   node verify.js jwt STATEMENT.jwt CONTROLLER.json
import {readFileSync} from 'node:fs';
import {checkStatus} from '@digitalbazaar/vc-bitstring-status-list';
import {createVerifyCryptosuite} from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {compactVerify, importJWK} from 'jose';
import * as vc from '@digitalbazaar/vc';

const [kind, file, controllerFile, statusFile] = process.argv.slice(2);
const read = name => readFileSync(name, 'utf8');
const controller = JSON.parse(read(controllerFile));
const method = controller.assertionMethod[0];

// The terms of https://www.w3.org/ns/cid/v1 that are read here; no package carries that document.
const term = name => ({'@id': `https://w3id.org/security#${name}`, '@type': '@id'});
const cid = {'@context': {
  id: '@id',
  type: '@type',
  assertionMethod: {...term('assertionMethod'), '@container': '@set'},
  controller: term('controller'),
  publicKeyMultibase: {'@id': 'https://w3id.org/security#publicKeyMultibase', '@type': 'https://w3id.org/security#multibase'},
  Multikey: 'https://w3id.org/security#Multikey'
}};

async function loader(url) {
  const known = {'https://www.w3.org/ns/cid/v1': cid, [controller.id]: controller, [method.id]: {'@context': 'https://w3id.org/security/multikey/v1', ...method}};
  if(statusFile && url === JSON.parse(read(statusFile)).id) {
    return {contextUrl: null, documentUrl: url, document: JSON.parse(read(statusFile))};
  }
  if(url in known) {
    return {contextUrl: null, documentUrl: url, document: known[url]};
  }
  return vc.defaultDocumentLoader(url);
}

function publicKey() {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  let value = 0n;
  for(const letter of method.publicKeyMultibase.slice(1)) {
    value = value * 58n + BigInt(alphabet.indexOf(letter));
  }
  const raw = Buffer.from(value.toString(16).padStart(68, '0'), 'hex').subarray(2);
  return importJWK({kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url')}, 'EdDSA');
}

const say = (verified, what) => {
  console.log(JSON.stringify({verified, what}));
  process.exit(verified ? 0 : 1);
};

try {
  if(kind === 'jwt') {
    const {payload, protectedHeader} = await compactVerify(read(file).trim(), await publicKey(), {algorithms: ['EdDSA']});
    const said = JSON.parse(new TextDecoder().decode(payload));
    say(protectedHeader.typ === 'vc+jwt' && said.issuer === controller.id, said.id);
  }
  const credential = JSON.parse(read(file));
  const suite = new DataIntegrityProof({cryptosuite: createVerifyCryptosuite()});
  const options = {credential, suite, documentLoader: loader, now: new Date('2027-01-01T00:00:00Z')};
  // Without a status list at hand the status is left open; with it the package reads it and checks its signature and issuer.
  const ours = statusFile ? given => checkStatus({...given, suite, documentLoader: loader}) : async () => ({verified: true});
  const found = await vc.verifyCredential({...options, checkStatus: ours});
  if(!found.verified) {
    say(false, String(found.error?.errors?.[0]?.message ?? found.error?.message));
  }
  if(found.statusResult?.results?.some(one => one.status)) {
    say(false, 'revoked');
  }
  say(true, credential.id);
} catch(error) {
  say(false, String(error.message));
}
