<?php
// SPDX-License-Identifier: Apache-2.0
// Usage: php verify.php SECRET TOKEN; prints header and claims as JSON, or exits with 1 if the HS256 signature is wrong.

[, $secret, $token] = $argv;
[$header, $payload, $signature] = explode('.', $token);
$decoded = fn (string $part): string => base64_decode(strtr($part, '-_', '+/'), true);
if (!hash_equals(hash_hmac('sha256', "$header.$payload", $secret, true), $decoded($signature))) {
    fwrite(STDERR, "the signature is wrong\n");
    exit(1);
}
$claims = json_decode($decoded($payload), false, 8, JSON_THROW_ON_ERROR);
echo json_encode(['header' => json_decode($decoded($header)), 'claims' => $claims]), "\n";
