<?php
// SPDX-License-Identifier: Apache-2.0
// Usage: php mint.php SECRET CLAIMS-AS-JSON; prints a token as a PHP app makes it without a library.

function base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

[, $secret, $claims] = $argv;
$input = base64url(json_encode(['typ' => 'JWT', 'alg' => 'HS256']))
    . '.' . base64url(json_encode(json_decode($claims, true, 512, JSON_THROW_ON_ERROR)));
echo $input . '.' . base64url(hash_hmac('sha256', $input, $secret, true)), "\n";
