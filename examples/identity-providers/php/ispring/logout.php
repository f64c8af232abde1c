<?php
// SPDX-License-Identifier: Apache-2.0
// iSpring's "Logout URL": Sidegate has ended its session and sends the browser here with a signed token that names the
// user. Without the token any web page could log your users out, with an <img> that points here.

declare(strict_types=1);

require __DIR__ . '/../session.php';
require __DIR__ . '/../token.php';

$token = $_GET['jwt'] ?? '';
$claims = is_string($token) ? check_token($token, secret('ISPRING_SECURITY_KEY')) : null;

if ($claims === null || !is_string($claims['email'] ?? null)) {
    http_response_code(400);
    $message = 'This link is not valid, or no longer.';
} elseif (!isset($_SESSION['email'])) {
    $message = 'You are logged out.';
} elseif (!hash_equals($_SESSION['email'], $claims['email'])) {
    http_response_code(409);
    $message = "You are logged in as {$_SESSION['email']}; the link was for {$claims['email']}. Nothing was changed.";
} else {
    $_SESSION = [];
    session_destroy();
    $message = "{$claims['email']} is logged out.";
}
?>
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<title>Log out</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 15vh auto; padding: 0 1rem }</style>
<h1>Your website</h1>
<p><?= html($message) ?></p>
