// SPDX-License-Identifier: Apache-2.0

/// The style sheet of every page, small and self-contained, for phones and large screens, light and dark.
///
/// It is embedded in each page, so that a page needs no other resource. The pages' policy allows exactly this text, by
/// its hash: a change of the style changes the hash too, which a test checks.
package enum PageStyle {
    /// The colours, light and dark; the console has the same.
    package static let palette = """
        :root{color-scheme:light dark;--ground:#f3f4f7;--card:#fff;--text:#171a21;--soft:#535b69;--line:#dfe2e8;\
        --field:#f7f8fa;--accent:#1f55d3;--on-accent:#fff;--accent-soft:#e7eefc;--bad:#b3261e;--bad-soft:#fceceb;\
        --warn:#8a5a00;--warn-soft:#fdf3dc;--good:#14703c;--good-soft:#e3f5ea;--shadow:0 1px 2px #1018280f,0 12px 32px #10182814}
        @media (prefers-color-scheme:dark){:root{--ground:#0d0f13;--card:#171a21;--text:#eceef3;--soft:#a3abba;\
        --line:#2b303b;--field:#1e222b;--accent:#86acff;--on-accent:#0b1530;--accent-soft:#1b2745;--bad:#ff9a90;\
        --bad-soft:#3a1b1b;--warn:#f2c25c;--warn-soft:#352a12;--good:#74d69b;--good-soft:#14301f;\
        --shadow:0 0 0 1px #2b303b}}
        """

    package static let sheet =
        palette + """

            *,*::before,*::after{box-sizing:border-box}
            html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
            body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;background:var(--ground);\
            color:var(--text);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif}
            main{width:100%;max-width:30rem;margin:auto;padding:1.5rem 1rem}
            main.wide{max-width:52rem}
            .brand{margin:0 0 1rem;text-align:center;font-weight:600;color:var(--soft);overflow-wrap:anywhere}
            .card{background:var(--card);border-radius:1rem;padding:2rem 1.5rem;box-shadow:var(--shadow)}
            .card+.card{margin-top:1rem}
            .icon{display:grid;place-items:center;width:3rem;height:3rem;margin:0 0 1.25rem;border-radius:50%;\
            background:var(--accent-soft);color:var(--accent)}
            .icon.bad{background:var(--bad-soft);color:var(--bad)}
            .icon.warn{background:var(--warn-soft);color:var(--warn)}
            .icon.good{background:var(--good-soft);color:var(--good)}
            .icon svg{width:1.5rem;height:1.5rem;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;\
            stroke-linejoin:round}
            h1{margin:0 0 .625rem;font-size:1.5rem;line-height:1.25;letter-spacing:-.01em;overflow-wrap:anywhere}
            h2{margin:0 0 .75rem;font-size:1.0625rem;line-height:1.3}
            p{margin:0 0 .75rem;overflow-wrap:anywhere}
            ol,ul{margin:0 0 .75rem;padding-left:1.25rem}
            li{margin:0 0 .375rem;overflow-wrap:anywhere}
            a{color:var(--accent);text-underline-offset:.15em}
            .soft{color:var(--soft)}
            .account{display:block;margin:1rem 0;padding:.75rem 1rem;border-radius:.625rem;background:var(--field);\
            border:1px solid var(--line);font-weight:600;overflow-wrap:anywhere}
            .account small{display:block;font-size:.8125rem;font-weight:400;color:var(--soft)}
            .actions{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0 0}
            .button{display:flex;flex:1 1 11rem;align-items:center;justify-content:center;min-height:3rem;padding:.625rem 1.25rem;\
            border:1px solid transparent;border-radius:.625rem;background:var(--accent);color:var(--on-accent);font:inherit;\
            font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
            .button:hover{filter:brightness(1.08)}
            .button.plain{background:transparent;border-color:var(--line);color:var(--text)}
            .button.plain:hover{background:var(--field);filter:none}
            :focus-visible{outline:3px solid var(--accent);outline-offset:3px;border-radius:.25rem}
            .button:focus-visible{border-radius:.625rem}
            .facts{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:1.75rem 0 0;padding:1rem 0 0;\
            border-top:1px solid var(--line);font-size:.8125rem;color:var(--soft)}
            .facts dt{margin:0}
            .facts dd{margin:0;overflow-wrap:anywhere}
            code,kbd,pre,.facts dd{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.8125rem}
            details{margin:1rem 0 0;font-size:.875rem;color:var(--soft)}
            summary{cursor:pointer;padding:.25rem 0}
            details p{margin:.25rem 0 0}
            @media (min-width:34rem){.card{padding:2.5rem}}
            @media (forced-colors:active){.card{border:1px solid}.button{border-color:currentColor}}
            @media (prefers-reduced-motion:no-preference){.button{transition:background-color .12s,filter .12s}}
            @media print{body{background:none}.card{box-shadow:none}.actions{display:none}}
            """

    /// For the body of a redirect, which is sent most and rarely seen.
    package static let small = """
        :root{color-scheme:light dark}body{font:1.125rem/1.6 system-ui,sans-serif;max-width:28rem;margin:20vh auto;\
        padding:0 1.25rem}
        """

    /// SHA-256 of ``sheet`` and ``small``, base64, for `style-src`.
    static let sheetHash = "wVN6Wh5KHBoQCRxWU1V2oJYeswhqWucdguLm9tsIk/0="
    static let smallHash = "sl70gastSGtw3gIrcs1bPCYpQmu9ZPzsgKcZpN1o7AM="
}
