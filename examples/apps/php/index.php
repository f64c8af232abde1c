<?php
// SPDX-License-Identifier: Apache-2.0
// A legacy app without a login: it trusts the web server's header for the user's identity. Bind it to loopback; a client
// that bypasses Sidegate can impersonate any user:
//
//     php -S 127.0.0.1:3000 index.php

declare(strict_types=1);

function html(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

$user = $_SERVER['HTTP_X_FORWARDED_USER'] ?? null; // guests have none
$email = $_SERVER['HTTP_X_FORWARDED_EMAIL'] ?? '';
$groups = array_filter(explode(',', $_SERVER['HTTP_X_FORWARDED_GROUPS'] ?? ''));
?>
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Wiki</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 10vh auto; padding: 0 1rem }</style>
<h1>Wiki</h1>
<p>This is <code><?= html($_SERVER['REQUEST_URI']) ?></code>.</p>
<?php if ($user === null): ?>
<p>Hello, guest. <a href="/.sidegate/login">Log in</a></p>
<?php else: ?>
<p>Hello, <strong id="user"><?= html($user) ?></strong> (<?= html($email) ?>)<?= $groups ? ', of ' . html(implode(' and ', $groups)) : '' ?>.
    <a href="/.sidegate/logout">Log out</a></p>
<?php endif ?>
