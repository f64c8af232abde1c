<?php
// SPDX-License-Identifier: Apache-2.0
// The same with the token as printed on iSpring's page: Type and ALG in the header, IAT and JTI among the claims,
// and an expiration time whose three letters are Cyrillic. Sidegate's preset ispring accepts it; a new script should send
// the token of authentication.php.

declare(strict_types=1);

require __DIR__ . '/../session.php';
require __DIR__ . '/../token.php';

$return_url = getenv('ISPRING_RETURN_URL') ?: 'https://app.example.com/sso/login/jwt';

$email = signed_in_email();
$now = time();
$token = make_token(['Type' => 'JWT', 'ALG' => 'HS256'], [
    'IAT' => $now,
    'JTI' => bin2hex(random_bytes(12)),
    "\u{435}\u{445}\u{440}" => $now + 60, // looks like exp
    'email' => $email,
], secret('ISPRING_SECURITY_KEY'));

header('Location: ' . $return_url . '?jwt=' . $token, true, 303);
