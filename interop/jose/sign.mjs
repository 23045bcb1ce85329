// Makes keys and tokens. The input is {issuer, audience, algorithms}; the output is
// {jwks, tokens}: the public keys, and good and bad tokens by name.
import { randomUUID } from "node:crypto";
import { text } from "node:stream/consumers";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";

const { issuer, audience, algorithms } = JSON.parse(await text(process.stdin));
const secret = Buffer.from(process.env.JWT_SECRET, "base64url");

// claims are those of a good token, changed by the changes; one that is undefined is left out.
const claims = (changes = {}) => {
  const now = Math.floor(Date.now() / 1000);
  return { iss: issuer, aud: audience, sub: "frodo", jti: randomUUID(), iat: now, exp: now + 600, scope: "rings:read", role: "Träger", ...changes };
};
const sign = (key, header, changes, options) =>
  new SignJWT(claims(changes)).setProtectedHeader({ typ: "at+jwt", ...header }).sign(key, options);

const keys = {}, jwks = { keys: [] }, tokens = {};
for (const alg of algorithms) {
  keys[alg] = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(keys[alg].publicKey);
  jwks.keys.push({ ...jwk, kid: alg, alg, use: "sig" });
  tokens[alg] = await sign(keys[alg].privateKey, { alg, kid: alg });
}
for (const alg of ["HS256", "HS384", "HS512"]) tokens[alg] = await sign(secret, { alg, kid: alg });

const good = { alg: "ES256", kid: "ES256" }, key = keys.ES256.privateKey;
const stranger = await generateKeyPair("ES256", { extractable: true });
const past = claims().iat - 3600;
tokens["for several audiences"] = await sign(key, good, { aud: ["https://gondor.example", audience] });
tokens["for another audience"] = await sign(key, good, { aud: "https://gondor.example" });
tokens["of another issuer"] = await sign(key, good, { iss: "https://mordor.example" });
tokens["of another type"] = await sign(key, { ...good, typ: "JWT" });
tokens["of no type"] = await sign(key, { ...good, typ: undefined });
tokens["that has expired"] = await sign(key, good, { iat: past, exp: past + 600 });
tokens["that never expires"] = await sign(key, good, { exp: undefined });
tokens["of nobody"] = await sign(key, good, { sub: undefined });
tokens["that is good later"] = await sign(key, good, { nbf: claims().exp });
tokens["with something critical"] = await sign(key, { ...good, crit: ["urn:ring"], "urn:ring": 1 }, {}, { crit: { "urn:ring": true } });
tokens["of a stranger"] = await sign(stranger.privateKey, good);
tokens["of a stranger with its key"] = await sign(stranger.privateKey, { ...good, jwk: await exportJWK(stranger.publicKey) });
tokens["with a key that is unknown"] = await sign(stranger.privateKey, { ...good, kid: "stranger" });
tokens["with a key of another algorithm"] = await sign(keys.RS256.privateKey, { alg: "PS256", kid: "RS256" });
tokens["with a public key as the secret"] = await sign(Buffer.from(await exportSPKI(keys.RS256.publicKey)), { alg: "HS256", kid: "RS256" });
tokens["without a signature"] = new UnsecuredJWT(claims()).encode();

process.stdout.write(JSON.stringify({ jwks, tokens }));
