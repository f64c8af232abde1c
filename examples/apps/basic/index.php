<?php
// SPDX-License-Identifier: Apache-2.0
// An app that supports only HTTP Basic (Sidegate: headerPreset: basic). The password is empty: the user was authenticated
// before. Bind it to loopback.
//
//     php -S 127.0.0.1:3000 index.php

declare(strict_types=1);

header('Content-Type: text/plain; charset=utf-8');
if (($_SERVER['PHP_AUTH_USER'] ?? '') === '') {
    http_response_code(401);
    header('WWW-Authenticate: Basic realm="inventory"');
    exit("Who are you?\n");
}
echo "Hello, {$_SERVER['PHP_AUTH_USER']}.\n";
