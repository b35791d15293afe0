// npm oidc-provider as a target of the battery. Its folder holds node_modules; argv: port,
// where sign-outs are told (host:port). Prints target.json when it listens.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import path from 'node:path';
import { generateKeyPairSync } from 'node:crypto';

const require = createRequire(path.join(process.cwd(), 'x.js'));
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));
const [port, listen] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const secret = (id) => `secret-of-${id}-0123456789abcdef0123456789`;
const client = (id, method, more) => ({
  client_id: id, client_secret: secret(id), redirect_uris: [`https://${id}.test/cb`, `https://${id}.test/other`],
  post_logout_redirect_uris: [`https://${id}.test/bye`], response_types: ['code'], grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: method, ...more,
});
const keys = [['rsa', { modulusLength: 2048 }, 'RS256'], ['ec', { namedCurve: 'P-256' }, 'ES256']].map(
  ([kind, options, alg]) => ({ ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), alg, kid: alg, use: 'sig' }));
const provider = new Provider(issuer, {
  jwks: { keys },
  clients: [
    client('app-a', 'client_secret_basic', { backchannel_logout_uri: `http://${listen}/told`, backchannel_logout_session_required: true }),
    client('app-b', 'client_secret_post'), client('app-c', 'client_secret_post'),
    client('app-e', 'client_secret_basic', { id_token_signed_response_alg: 'ES256' }),
  ],
  pkce: { required: (_, c) => c.clientId !== 'app-c' },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username', 'locale'] },
  conformIdTokenClaims: false,
  rotateRefreshToken: true,
  // Its own refuses to call loopback, where the battery listens.
  fetch: (url, { dispatcher, signal, ...options }) => fetch(url, options),
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@chaton-a.test`, email_verified: true, name: id, preferred_username: id, locale: 'fr' }) }),
  scopes: ['openid', 'offline_access', 'profile', 'email'],
  features: {
    devInteractions: { enabled: true }, introspection: { enabled: true }, revocation: { enabled: true }, backchannelLogout: { enabled: true },
    pushedAuthorizationRequests: { enabled: true }, rpInitiatedLogout: { enabled: true },
  },
});
const shown = (id, basic) => ({ id, secret: secret(id), redirects: [`https://${id}.test/cb`, `https://${id}.test/other`], post_logout: `https://${id}.test/bye`, basic });
provider.listen(Number(port), '127.0.0.1', () => console.log(JSON.stringify({
  issuer, listen, people: [{ name: 'alice', password: 'x' }, { name: 'bob', password: 'x' }], a: shown('app-a', true), b: shown('app-b', false), c: shown('app-c', false), e: shown('app-e', true),
})));
