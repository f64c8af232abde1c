<?php
// SPDX-License-Identifier: Apache-2.0
// ProProfs' page has no logout; this ends the session here. It asks first: a link alone must not log users out.

declare(strict_types=1);

require __DIR__ . '/../session.php';

if ($_SERVER['REQUEST_METHOD'] === 'POST'
    && isset($_SESSION['logout']) && hash_equals($_SESSION['logout'], posted('form'))) {
    $_SESSION = [];
    session_destroy();
    exit('<!doctype html><title>Log out</title><p>You are logged out.');
}
$_SESSION['logout'] ??= bin2hex(random_bytes(16));
?>
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Log out</title>
<form method="post">
    <input type="hidden" name="form" value="<?= html($_SESSION['logout']) ?>">
    <button>Log out</button>
</form>
