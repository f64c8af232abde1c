<?php
// SPDX-License-Identifier: Apache-2.0
//
// phpMyAdmin behind Sidegate: each user is the database account of the same name, whose password is derived from a secret
// that only this script and the one that makes the accounts know. In config.inc.php:
//
//     $cfg['Servers'][1]['auth_type'] = 'signon';
//     $cfg['Servers'][1]['SignonScript'] = '/etc/phpmyadmin/signon.php';
//     $cfg['Servers'][1]['SignonURL'] = '/.sidegate/login';
//     $cfg['Servers'][1]['LogoutURL'] = '/.sidegate/logout';

/** Name and password at the database, for the user of this request. */
function get_login_credentials($user)
{
    $name = $_SERVER['HTTP_X_FORWARDED_USER'] ?? '';
    if ($name === '') {
        return ['', ''];
    }
    $secret = trim(file_get_contents(getenv('SIGNON_SECRET') ?: '/etc/phpmyadmin/signon.secret'));
    return [$name, hash_hmac('sha256', $name, $secret)];
}
