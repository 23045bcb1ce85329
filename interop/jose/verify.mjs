// Verifies tokens that were made elsewhere. The input is {jwks, issuer, audience, tokens},
// each token {alg, text}; the output is, for each, what it says or why it is refused.
import { text } from "node:stream/consumers";
import { createRemoteJWKSet, jwtVerify } from "jose";

const { jwks, issuer, audience, tokens } = JSON.parse(await text(process.stdin));
const published = createRemoteJWKSet(new URL(jwks), { timeoutDuration: 5000 });
const secret = Buffer.from(process.env.JWT_SECRET, "base64url");
const expected = { issuer, audience, typ: "at+jwt", requiredClaims: ["sub", "exp", "iat", "jti"] };

const answers = [];
for (const { alg, text } of tokens) {
  try {
    const key = alg.startsWith("HS") ? secret : published;
    const { payload, protectedHeader } = await jwtVerify(text, key, { ...expected, algorithms: [alg] });
    answers.push({ claims: payload, header: protectedHeader });
  } catch (refusal) {
    answers.push({ refused: refusal.code ?? String(refusal) });
  }
}
process.stdout.write(JSON.stringify(answers));
