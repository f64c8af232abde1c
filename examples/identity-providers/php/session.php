<?php
// SPDX-License-Identifier: Apache-2.0
// A login page with a session, in place of the one that your site already has. The other scripts need only
// signed_in_email().

declare(strict_types=1);

session_name('idp_session');
session_set_cookie_params(['httponly' => true, 'samesite' => 'Lax', 'secure' => !empty($_SERVER['HTTPS'])]);
session_start();
header('Cache-Control: no-store');

function html(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

/** A field of the submitted form; empty when it is missing, or not text. */
function posted(string $name): string
{
    return is_string($_POST[$name] ?? null) ? $_POST[$name] : '';
}

/** The e-mail address of the logged-in user. Without one it shows the login form, and does not return. */
function signed_in_email(): string
{
    if (isset($_SESSION['email'])) {
        return $_SESSION['email'];
    }
    $failed = false;
    if ($_SERVER['REQUEST_METHOD'] === 'POST') {
        $people = require __DIR__ . '/people.php';
        $email = posted('email');
        // An unknown user takes as much time as a known one: the time does not show which accounts exist.
        $hash = $people[$email]['password'] ?? password_hash('nobody', PASSWORD_BCRYPT);
        $is_right = password_verify(posted('password'), $hash) && isset($people[$email]);
        $is_our_form = isset($_SESSION['form']) && hash_equals($_SESSION['form'], posted('form'));
        if ($is_right && $is_our_form) {
            session_regenerate_id(true); // or a session that an attacker planted becomes the user's
            unset($_SESSION['form']);
            return $_SESSION['email'] = $email;
        }
        $failed = true;
    }
    $_SESSION['form'] ??= bin2hex(random_bytes(16)); // proves that the form is from this site
    ?>
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Log in</title>
<style>
    body { font: 1rem/1.5 system-ui, sans-serif; max-width: 20rem; margin: 15vh auto; padding: 0 1rem }
    input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; margin: .25rem 0 1rem; padding: .5rem }
    [role=alert] { color: #b00 }
</style>
<h1>Your website</h1>
<?= $failed ? '<p role="alert">That address and password do not match.</p>' : '' ?>
<form method="post">
    <input type="hidden" name="form" value="<?= html($_SESSION['form']) ?>">
    <label>E-mail <input type="email" name="email" required autofocus value="<?= html(posted('email')) ?>"></label>
    <label>Password <input type="password" name="password" required></label>
    <button>Log in</button>
</form>
    <?php
    exit;
}
