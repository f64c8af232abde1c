<?php
// SPDX-License-Identifier: Apache-2.0
// An app that chooses its page by the path, parsed in every way known from PHP apps. A router script for `php -S`.
$uri = $_SERVER['REQUEST_URI'];
$parsed = parse_url($uri, PHP_URL_PATH);
$cut = strtok($uri, '?');
$readings = [];
foreach ([$parsed, $cut, $_SERVER['PATH_INFO'] ?? null, $_SERVER['SCRIPT_NAME'] ?? null] as $path) {
    if (!is_string($path) || $path === '') {
        continue;
    }
    foreach ([$path, urldecode($path), rawurldecode($path), urldecode(urldecode($path))] as $text) {
        foreach ([$text, strtr($text, '\\', '/'), preg_replace('#;[^/]*#', '', $text), preg_replace('#/+#', '/', $text)] as $one) {
            $readings[] = $one;
            $readings[] = parse_url($one, PHP_URL_PATH) ?: '';
            $readings[] = rtrim(strtolower($one));
            $readings[] = preg_replace('#/+#', '/', filter_var($one, FILTER_SANITIZE_URL));
            $readings[] = filter_var($one, FILTER_UNSAFE_RAW, FILTER_FLAG_STRIP_HIGH);
        }
    }
}
foreach ($readings as $one) {
    if ($one === '/closed' || strncmp($one, '/closed/', 8) === 0) {
        echo 'SECRET ', $uri;
        return;
    }
}
echo 'PUBLIC';
