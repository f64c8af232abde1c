<?php
// SPDX-License-Identifier: Apache-2.0
// iSpring's "Identity provider URL": logs the user in here, then signs in at the app.
//
// iSpring's settings          Sidegate's configuration
//   Identity provider URL       identityProvider.loginURL: the address of this script
//   Return URL                  publicURL and /sso/login/jwt (the preset's identityProvider.returnPath)
//   Security key                token.keys
//   Logout URL                  identityProvider.logoutURL: the address of logout.php

declare(strict_types=1);

require __DIR__ . '/../session.php';
require __DIR__ . '/../token.php';

// Fixed, never taken from the request: tokens cannot be sent anywhere else.
$return_url = getenv('ISPRING_RETURN_URL') ?: 'https://app.example.com/sso/login/jwt';

$email = signed_in_email();
$person = (require __DIR__ . '/../people.php')[$email];
$now = time();
$token = make_token(['typ' => 'JWT', 'alg' => 'HS256'], [
    'iat' => $now,
    'exp' => $now + 60,
    'jti' => bin2hex(random_bytes(16)),
    'email' => $email,
    // The field names of the settings page:
    'given_name' => $person['given_name'],
    'family_name' => $person['family_name'],
    'preferred_username' => $person['login'],
], secret('ISPRING_SECURITY_KEY'));

header('Location: ' . $return_url . '?jwt=' . $token, true, 303);
