<?php
// SPDX-License-Identifier: Apache-2.0
// Signs exactly the bytes it is given. Standard input: JSON {"header", "payload": base64, "algorithm", "key": base64 of
// a secret, or of a PEM private key}. Prints the token.

$base64url = fn (string $bytes): string => rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
$task = json_decode(stream_get_contents(STDIN), true, 8, JSON_THROW_ON_ERROR);
$key = base64_decode($task['key'], true);
$input = $base64url(base64_decode($task['header'], true)) . '.' . $base64url(base64_decode($task['payload'], true));
$family = substr($task['algorithm'], 0, 2);
$digest = 'sha' . substr($task['algorithm'], 2);
if ($family === 'HS') {
    $signature = hash_hmac($digest, $input, $key, true);
} else {
    openssl_sign($input, $signature, openssl_pkey_get_private($key), $digest) || exit(1);
}
if ($family === 'ES') { // DER: SEQUENCE { INTEGER r, INTEGER s }; JWS has both padded to full width
    $width = intdiv(openssl_pkey_get_details(openssl_pkey_get_private($key))['bits'] + 7, 8);
    $at = ord($signature[1]) & 0x80 ? 3 : 2;
    $raw = '';
    for ($i = 0; $i < 2; $i++) {
        $length = ord($signature[$at + 1]);
        $raw .= str_pad(ltrim(substr($signature, $at + 2, $length), "\0"), $width, "\0", STR_PAD_LEFT);
        $at += 2 + $length;
    }
    $signature = $raw;
}
echo $input, '.', $base64url($signature), "\n";
