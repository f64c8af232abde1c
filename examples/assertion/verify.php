<?php
// SPDX-License-Identifier: Apache-2.0
//
// A PHP app that trusts only the signed assertion (`assertion` in the configuration). No packages: PHP's openssl, ES256 and
// RS256.
//
// Try it: GATE=http://127.0.0.1:8080 AUDIENCE=https://app.example.com php -S 127.0.0.1:3000 verify.php

function base64url(string $text): string
{
    $bytes = base64_decode(strtr($text, '-_', '+/'), true);
    if ($bytes === false) {
        throw new DomainException('not base64url');
    }
    return $bytes;
}

/** The gate's keys by key ID. Cached for five minutes, and fetched again for an unknown key ID. */
function gate_keys(string $gate, string $wanted): array
{
    $cache = sys_get_temp_dir() . '/sidegate-keys-' . sha1($gate) . '.json';
    $age = is_file($cache) ? time() - filemtime($cache) : PHP_INT_MAX;
    $keys = $age < 300 ? json_decode(file_get_contents($cache), true) : [];
    // At most once in ten seconds, for any key IDs that are sent.
    if (!isset($keys[$wanted]) && ($age >= 10 || $keys === [])) {
        $set = json_decode(file_get_contents("$gate/.sidegate/jwks.json"), true, 8, JSON_THROW_ON_ERROR);
        $keys = array_column($set['keys'], null, 'kid');
        file_put_contents($cache, json_encode($keys), LOCK_EX);
    }
    return $keys;
}

function der(int $tag, string $content): string
{
    $length = strlen($content);
    $size = $length < 128 ? chr($length) : ($length < 256 ? "\x81" . chr($length) : "\x82" . pack('n', $length));
    return chr($tag) . $size . $content;
}

function der_integer(string $bytes): string
{
    $bytes = ltrim($bytes, "\0");
    return der(0x02, ($bytes === '' || ord($bytes[0]) > 127 ? "\0" : '') . $bytes);
}

/** A JSON Web Key in the form that PHP's openssl accepts (RFC 5280 §4.1.2.7). */
function public_key(array $key): OpenSSLAsymmetricKey
{
    if ($key['kty'] === 'EC' && $key['crv'] === 'P-256') {
        // ecPublicKey, prime256v1, and the point
        $algorithm = der(0x30, "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01" . "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
        $bits = "\x04" . base64url($key['x']) . base64url($key['y']);
    } elseif ($key['kty'] === 'RSA') {
        $algorithm = der(0x30, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00");
        $bits = der(0x30, der_integer(base64url($key['n'])) . der_integer(base64url($key['e'])));
    } else {
        throw new DomainException('a key of another kind');
    }
    $pem = "-----BEGIN PUBLIC KEY-----\n"
        . chunk_split(base64_encode(der(0x30, $algorithm . der(0x03, "\0" . $bits))), 64, "\n")
        . "-----END PUBLIC KEY-----\n";
    return openssl_pkey_get_public($pem) ?: throw new DomainException('not a key');
}

/** The gate's claims about the user; throws if the assertion is not valid. */
function user_of(string $statement, string $gate, string $audience): array
{
    $parts = explode('.', $statement, 4);
    if (count($parts) !== 3) {
        throw new DomainException('not a token');
    }
    [$header, $payload, $signature] = $parts;
    $head = json_decode(base64url($header), true, 8, JSON_THROW_ON_ERROR);
    $signature = base64url($signature);
    $key = gate_keys($gate, $head['kid'] ?? '')[$head['kid'] ?? ''] ?? throw new DomainException('an unknown key');
    // The key determines the algorithm; the token must match it.
    if (!in_array($key['alg'], ['ES256', 'RS256'], true) || ($head['alg'] ?? '') !== $key['alg'] || isset($head['crit'])) {
        throw new DomainException('another algorithm');
    }
    if ($key['alg'] === 'ES256') {
        if (strlen($signature) !== 64) {
            throw new DomainException('not a signature');
        }
        $signature = der(0x30, der_integer(substr($signature, 0, 32)) . der_integer(substr($signature, 32)));
    }
    if (openssl_verify("$header.$payload", $signature, public_key($key), OPENSSL_ALGO_SHA256) !== 1) {
        throw new DomainException('the signature is wrong');
    }
    $claims = json_decode(base64url($payload), true, 16, JSON_THROW_ON_ERROR);
    $now = time();
    if (($claims['iss'] ?? null) !== $audience || ($claims['aud'] ?? null) !== $audience) {
        throw new DomainException('for another app'); // `iss` and `aud` are both `publicURL` unless they are set
    }
    if (!is_int($claims['exp'] ?? null) || $now >= $claims['exp'] + 10 || ($claims['iat'] ?? PHP_INT_MAX) > $now + 10) {
        throw new DomainException('too old, or too young');
    }
    return $claims;
}

header('Content-Type: application/json');
try {
    echo json_encode(user_of($_SERVER['HTTP_X_SIDEGATE_JWT_ASSERTION'] ?? '', getenv('GATE'), getenv('AUDIENCE')));
} catch (DomainException | JsonException $refusal) {
    http_response_code(401);
    echo json_encode(['error' => $refusal->getMessage()]);
}
