<?php
// SPDX-License-Identifier: Apache-2.0
// A legacy app, served by `php -S`: shows the user that it sees, and the request that it received.

header('Content-Type: application/json');
header('Set-Cookie: theme=dark; Path=/');
$headers = array_filter($_SERVER, fn ($name) => str_starts_with($name, 'HTTP_'), ARRAY_FILTER_USE_KEY);
echo json_encode([
    'user' => $_SERVER['HTTP_X_FORWARDED_USER'] ?? null,
    'email' => $_SERVER['HTTP_X_FORWARDED_EMAIL'] ?? null,
    'groups' => $_SERVER['HTTP_X_FORWARDED_GROUPS'] ?? null,
    'method' => $_SERVER['REQUEST_METHOD'],
    'uri' => $_SERVER['REQUEST_URI'],
    'get' => $_GET,
    'post' => $_POST,
    'cookies' => $_COOKIE,
    'headers' => $headers,
    'bodySHA256' => hash('sha256', file_get_contents('php://input')),
]);
