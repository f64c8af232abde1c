<?php
// SPDX-License-Identifier: Apache-2.0
// The users. Yours are in your database; the passwords are stored as password_hash() returns them.

return [
    'ada@example.com' => [
        'password' => '$2y$10$fVqHWqHrs3lLzm94AOxbYOyLKaFDn9fkwZHQgVjQHi08w8kUq5rGO', // "engine"
        'given_name' => 'Ada', 'family_name' => 'Lovelace', 'login' => 'ada',
    ],
    'zoe@example.com' => [
        'password' => '$2y$10$ItqBpVNLUGwMpYmr1I3X8umhHsRJ8psokH9FmTal0BKRBLxgK11gm', // "tréma"
        'given_name' => 'Zoë', 'family_name' => '<Müller>', 'login' => 'zoe',
    ],
];
