<?php
// SPDX-License-Identifier: Apache-2.0
// JSON Web Tokens with HS256, made and checked without a library.

declare(strict_types=1);

function base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

function make_token(array $header, array $claims, string $key): string
{
    $flags = JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE;
    $input = base64url(json_encode($header, $flags)) . '.' . base64url(json_encode($claims, $flags));
    return $input . '.' . base64url(hash_hmac('sha256', $input, $key, true));
}

/** The claims of a token that was signed with this key and has not expired; null for any other. */
function check_token(string $token, string $key, int $skew = 10): ?array
{
    $parts = explode('.', $token);
    if (count($parts) !== 3) {
        return null;
    }
    [$header, $payload, $signature] = $parts;
    // The algorithm is fixed here; the token's header must match it.
    $header = json_decode((string) base64_decode(strtr($header, '-_', '+/'), true), true);
    if (!is_array($header) || ($header['alg'] ?? null) !== 'HS256') {
        return null;
    }
    $expected = base64url(hash_hmac('sha256', "$parts[0].$payload", $key, true));
    if (!hash_equals($expected, $signature)) { // in constant time
        return null;
    }
    $claims = json_decode((string) base64_decode(strtr($payload, '-_', '+/'), true), true);
    $now = time();
    if (!is_array($claims) || !is_int($claims['exp'] ?? null) || !is_int($claims['iat'] ?? null)
        || $now >= $claims['exp'] + $skew || $claims['iat'] > $now + $skew) {
        return null;
    }
    return $claims;
}

/** A secret from the environment: the file that NAME_FILE names, or NAME itself. */
function secret(string $name): string
{
    $file = getenv($name . '_FILE');
    $secret = $file === false ? (string) getenv($name) : rtrim((string) file_get_contents($file), "\r\n");
    if ($secret === '') {
        http_response_code(500);
        exit("$name is not set");
    }
    return $secret;
}
