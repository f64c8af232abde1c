// SPDX-License-Identifier: Apache-2.0
// An identity provider in Node without packages: tokens signed with ES256, whose public keys the app fetches, so that no
// secret is shared with it.
//
//     PORT=4000 RETURN_URLS=https://app.example.com/.sidegate/callback node idp.mjs
//
//     /login?return_url=…   logs in, then goes to return_url with ?jwt=…
//     /logout               ends the session here
//     /jwks.json            the public keys; SIGHUP makes a new one, and the old one stays until its tokens have expired

import { createHash, generateKeyPairSync, randomBytes, scryptSync, sign, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const issuer = process.env.ISSUER ?? 'https://id.example.com/';
const audience = process.env.AUDIENCE ?? 'https://app.example.com';
const returnURLs = (process.env.RETURN_URLS ?? 'https://app.example.com/.sidegate/callback').split(' ');
const tokenLifetime = 60; // seconds

const people = new Map([ // yours are in a database
  ['ada@example.com', { ...hashed('engine'), sub: 'ada', given_name: 'Ada', family_name: 'Lovelace', groups: ['staff', 'admins'] }],
  ['grace@example.com', { ...hashed('compiler'), sub: 'grace', given_name: 'Grace', family_name: 'Hopper', groups: ['staff'] }],
]);
const nobody = hashed(randomBytes(16).toString('hex'));

const sessions = new Map(); // identifier → { email, form, until }
let keys = [newKey()]; // the first signs, all are published

process.on('SIGHUP', () => { keys = [newKey(), keys[0]]; });

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const route = routes[`${request.method} ${url.pathname}`];
  try {
    await (route ?? notFound)(request, response, url);
  } catch (error) {
    console.error(error);
    page(response, 400, '<p>That did not work.</p>');
  }
}).listen(Number(process.env.PORT ?? 4000), process.env.HOST ?? '127.0.0.1');

const routes = {
  'GET /login'(request, response, url) {
    const session = sessionOf(request, response);
    const returnURL = allowed(url.searchParams.get('return_url'));
    if (!returnURL) return page(response, 400, '<p>That return URL is not on the list.</p>');
    if (session.email) return sendBack(response, returnURL, session.email);
    page(response, 200, loginForm(session));
  },

  async 'POST /login'(request, response, url) {
    const session = sessionOf(request, response);
    const returnURL = allowed(url.searchParams.get('return_url'));
    if (!returnURL) return page(response, 400, '<p>That return URL is not on the list.</p>');
    const form = await formOf(request);
    const person = people.get(form.get('email'));
    // An unknown user takes as much time as a known one.
    const isRight = equal(scryptSync(form.get('password') ?? '', (person ?? nobody).salt, 32), (person ?? nobody).hash);
    if (!person || !isRight || !equal(form.get('form'), session.form)) {
      return page(response, 401, '<p role="alert">That address and password do not match.</p>' + loginForm(session));
    }
    renew(response, session, form.get('email'));
    sendBack(response, returnURL, form.get('email'));
  },

  'GET /logout'(request, response) { // asks: a link alone must not log users out
    const { form } = sessionOf(request, response);
    page(response, 200, `<form method="post"><input type="hidden" name="form" value="${html(form)}"><button>Log out</button></form>`);
  },

  async 'POST /logout'(request, response) {
    const session = sessionOf(request, response);
    if (!equal((await formOf(request)).get('form'), session.form)) return page(response, 403, '<p>Please try again.</p>');
    sessions.delete(session.id);
    page(response, 200, '<p>You are logged out.</p>');
  },

  'GET /jwks.json'(request, response) {
    response.setHeader('Content-Type', 'application/jwk-set+json');
    response.setHeader('Cache-Control', 'max-age=300');
    response.end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
  },
};

const notFound = (request, response) => page(response, 404, '<p>There is no such page.</p>');

// Tokens

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url'); // RFC 7638
  return { kid, privateKey, jwk: { kty, crv, x, y, kid, use: 'sig', alg: 'ES256' } };
}

function token(email) {
  const { salt, hash, ...claims } = people.get(email);
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = part({ alg: 'ES256', typ: 'JWT', kid: keys[0].kid }) + '.' + part({
    iss: issuer, aud: audience, iat: now, exp: now + tokenLifetime, jti: randomBytes(16).toString('hex'), email, ...claims,
  });
  // JWS needs R and S side by side, not the DER that sign() returns by default.
  const signature = sign('sha256', Buffer.from(input), { key: keys[0].privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

/** The URL, if it is on the list with any query; a login page without such a list sends tokens anywhere. */
function allowed(text) {
  if (!text || !URL.canParse(text)) return null;
  const url = new URL(text);
  return returnURLs.includes(url.origin + url.pathname) && !url.username && !url.password ? url : null;
}

function sendBack(response, returnURL, email) {
  returnURL.searchParams.set('jwt', token(email));
  response.writeHead(303, { Location: returnURL.href, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' }).end();
}

// Sessions

function sessionOf(request, response) {
  const id = /(?:^|; )idp_session=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
  const session = sessions.get(id);
  if (session && session.until > Date.now()) return session;
  for (const [old, { until }] of sessions) if (until <= Date.now() || sessions.size > 10_000) sessions.delete(old);
  const fresh = { form: randomBytes(16).toString('hex') };
  renew(response, fresh);
  return fresh;
}

/** A new identifier at login; otherwise a session that an attacker planted would become the user's. */
function renew(response, session, email) {
  sessions.delete(session.id);
  Object.assign(session, { id: randomBytes(24).toString('base64url'), email, until: Date.now() + 8 * 3600_000 });
  sessions.set(session.id, session);
  const secure = issuer.startsWith('https:') && process.env.INSECURE_COOKIES !== '1' ? '; Secure' : '';
  response.setHeader('Set-Cookie', `idp_session=${session.id}; Path=/; HttpOnly; SameSite=Lax${secure}`);
}

function hashed(password) {
  const salt = randomBytes(16);
  return { salt, hash: scryptSync(password, salt, 32) };
}

function equal(a, b) { // in constant time
  const [left, right] = [Buffer.from(a ?? ''), Buffer.from(b ?? '')];
  return left.length === right.length && timingSafeEqual(left, right);
}

async function formOf(request) {
  let body = '';
  for await (const piece of request) {
    body += piece;
    if (body.length > 10_000) throw new Error('the form is too long');
  }
  return new URLSearchParams(body);
}

// Pages

function html(text) {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function loginForm({ form }) {
  return `<form method="post">
    <input type="hidden" name="form" value="${html(form)}">
    <label>E-mail <input type="email" name="email" required autofocus></label>
    <label>Password <input type="password" name="password" required></label>
    <button>Log in</button>
  </form>`;
}

function page(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Example ID</title><h1>Example ID</h1>${body}`);
}
