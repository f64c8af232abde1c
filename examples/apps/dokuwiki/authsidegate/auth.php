<?php
// SPDX-License-Identifier: Apache-2.0
//
// DokuWiki behind Sidegate: users and groups come from identity headers. Copy this folder to lib/plugins, and set
// $conf['authtype'] = 'authsidegate'.

class auth_plugin_authsidegate extends DokuWiki_Auth_Plugin
{
    public function __construct()
    {
        parent::__construct();
        $this->cando['external'] = true;
        $this->cando['logout'] = true;
        $this->success = true;
    }

    /** The user of this request; called for each one in place of a login form. */
    public function trustExternal($user, $pass, $sticky = false)
    {
        global $USERINFO;
        $name = $_SERVER['HTTP_X_FORWARDED_USER'] ?? '';
        if ($name === '') {
            auth_logoff();
            return false;
        }
        $groups = array_filter(explode(',', $_SERVER['HTTP_X_FORWARDED_GROUPS'] ?? ''));
        $USERINFO = [
            'name' => ($_SERVER['HTTP_X_FORWARDED_PREFERRED_USERNAME'] ?? '') ?: $name,
            'mail' => $_SERVER['HTTP_X_FORWARDED_EMAIL'] ?? '',
            'grps' => array_merge(['user'], array_values($groups)),
        ];
        $_SERVER['REMOTE_USER'] = $name;
        $_SESSION[DOKU_COOKIE]['auth']['user'] = $name;
        $_SESSION[DOKU_COOKIE]['auth']['info'] = $USERINFO;
        return true;
    }

    /** "Log Out" ends the session of the gate. */
    public function logOff()
    {
        global $ACT;
        if (($_REQUEST['do'] ?? '') === 'logout') {
            send_redirect('/.sidegate/logout');
        }
    }
}
