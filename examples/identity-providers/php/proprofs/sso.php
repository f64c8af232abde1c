<?php
// SPDX-License-Identifier: Apache-2.0
// The sample of ProProfs' page with its errors fixed: straight quotes, a comma in place of a full stop, the closing
// brackets, and a real Location. The token is as on the page, and so is the key: not the API key, but the 32 hexadecimal
// characters of its MD5 (Sidegate: token.secretEncoding: md5hex, set by the preset proprofs).

declare(strict_types=1);

require __DIR__ . '/../session.php';
require __DIR__ . '/../token.php'; // for secret()

$domain = getenv('PROPROFS_DOMAIN') ?: 'https://help.example.com'; // Change your domain here
$key = md5(secret('PROPROFS_API_KEY')); // md5 encrypted key
$user_email = signed_in_email(); // email of current login
$site_access = getenv('PROPROFS_SITES') ?: '44567,77898'; // Access of site (Site IDs)

$now = time();

// Create token header as a JSON string
$header = json_encode(['typ' => 'JWT', 'alg' => 'HS256']);

// Create token payload as a JSON string
$payload = json_encode([
    "iat" => $now,
    "jti" => md5($now . rand(100, 10000)),
    "user_email" => $user_email,
    "site_access" => $site_access,
    "guest" => false,
]);

// Encode Header to Base64Url String
$base64UrlHeader = str_replace(['+', '/', '='], ['-', '_', ''], base64_encode($header));

// Encode Payload to Base64Url String
$base64UrlPayload = str_replace(['+', '/', '='], ['-', '_', ''], base64_encode($payload));

// Create Signature Hash
$signature = hash_hmac('sha256', $base64UrlHeader . "." . $base64UrlPayload, $key, true);

// Encode Signature to Base64Url String
$base64UrlSignature = str_replace(['+', '/', '='], ['-', '_', ''], base64_encode($signature));

// Create JWT
$jwt = $base64UrlHeader . "." . $base64UrlPayload . "." . $base64UrlSignature;

$return_url = $domain . "/access/jwtsso/?token=" . $jwt;

header("Location: " . $return_url);
