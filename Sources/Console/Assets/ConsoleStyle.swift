// SPDX-License-Identifier: Apache-2.0

import Pages

/// The console's style sheet, with the colours of the gate's pages: light and dark, from 320 pixels on, without resources
/// from elsewhere. It is embedded in each page, and the policy allows exactly this text.
package enum ConsoleStyle {
    package static let sheet =
        PageStyle.palette + """

            :root{--s0:#14703c;--s1:#b3261e;--s2:#8a5a00;--s3:#5b3fb5;--s4:#0b6a8a;--s5:#535b69}
            @media (prefers-color-scheme:dark){:root{--s0:#74d69b;--s1:#ff9a90;--s2:#f2c25c;--s3:#b9a5ff;--s4:#6cc7e6;--s5:#a3abba}}
            *,*::before,*::after{box-sizing:border-box}
            html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
            body{margin:0;min-height:100vh;display:flex;flex-direction:column;background:var(--ground);color:var(--text);\
            font:.875rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;\
            font-variant-numeric:tabular-nums}
            .in{width:100%;max-width:78rem;margin:0 auto;padding:0 1.25rem}
            main{flex:1;padding:1.5rem 0 2.5rem}
            main:focus{outline:none}
            h1,h2,h3{margin:0;line-height:1.3;overflow-wrap:anywhere}
            h1{font-size:1.5rem;letter-spacing:-.012em}
            h2{font-size:1.0625rem}
            h3{font-size:.875rem}
            p,ul,ol,dl,dd,figure{margin:0}
            p,li,dd,td,th{overflow-wrap:anywhere}
            a{color:var(--accent);text-underline-offset:.15em}
            code,.mono{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.8125rem}
            .soft{color:var(--soft)}
            .small{font-size:.8125rem}
            .sr{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
            .skip{position:absolute;left:1rem;top:-4rem;padding:.5rem 1rem;background:var(--card);border-radius:.5rem;z-index:2}
            .skip:focus{top:.5rem}
            :focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:.25rem}

            .top{background:var(--card);border-bottom:1px solid var(--line)}
            .top .in{display:flex;flex-wrap:wrap;align-items:center;gap:0 1.5rem;min-height:3.5rem}
            .brand{display:flex;align-items:baseline;gap:.625rem;min-width:0;padding:.75rem 0}
            .brand a{font-weight:650;font-size:1rem;color:var(--text);text-decoration:none}
            .brand span{color:var(--soft);overflow-wrap:anywhere}
            .top nav ul{display:flex;flex-wrap:wrap;gap:0 .25rem;padding:0;list-style:none}
            .top nav a{display:block;padding:1rem .75rem .875rem;border-bottom:2px solid transparent;color:var(--soft);\
            text-decoration:none;font-weight:550}
            .top nav a:hover{color:var(--text)}
            .top nav a[aria-current]{color:var(--text);border-color:var(--accent)}
            .tools{display:flex;flex:1 1 16rem;flex-wrap:wrap;justify-content:flex-end;gap:.5rem;padding:.5rem 0}
            .find{display:flex;flex:0 1 20rem;gap:.5rem;min-width:0;max-width:36rem}
            input[type=search],input[type=password],input[type=text]{min-width:0;flex:1 1 auto;width:100%;min-height:2.25rem;\
            padding:.25rem .75rem;border:1px solid var(--edge);border-radius:.5rem;background:var(--field);color:var(--text);font:inherit}
            .button{display:inline-flex;align-items:center;justify-content:center;min-height:2.25rem;padding:.25rem .875rem;\
            border:1px solid var(--edge);border-radius:.5rem;background:var(--card);color:var(--text);font:inherit;font-weight:550;\
            text-decoration:none;white-space:nowrap;cursor:pointer}
            .button:hover{background:var(--field)}
            .button.first{border-color:transparent;background:var(--accent);color:var(--on-accent)}
            .button.first:hover{filter:brightness(1.08)}
            .button.end{color:var(--bad);border-color:var(--bad)}
            .button.end.first{background:var(--bad);border-color:transparent;color:var(--card)}
            .button.tiny{min-height:1.875rem;padding:.125rem .625rem;font-size:.8125rem}
            .actions{display:flex;flex-wrap:wrap;gap:.5rem;min-width:0}
            .actions .button{white-space:normal;overflow-wrap:anywhere}
            :root{--edge:#868d9a}
            @media (prefers-color-scheme:dark){:root{--edge:#6d7585}}

            .page{display:flex;flex-direction:column;gap:1.75rem}
            .page>section,.page>header{min-width:0}
            .lead{display:flex;flex-wrap:wrap;align-items:baseline;justify-content:space-between;gap:.25rem 1.5rem;margin-bottom:.75rem}
            .card{min-width:0;overflow-wrap:anywhere;background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem 1.25rem}
            .card.flush{padding:0;overflow:hidden}
            .narrow{width:100%;max-width:34rem;margin:2rem auto 0}
            .narrow .card{display:flex;flex-direction:column;gap:1rem;padding:1.75rem}
            .narrow h1{font-size:1.375rem}
            .narrow ol{padding-left:1.25rem}
            .narrow li{margin:0 0 .5rem}
            .narrow .actions{margin-top:1rem}
            .field{display:flex;flex-direction:column;gap:.375rem}
            .field label{font-weight:600}

            .headline{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;align-items:center;border-left:.375rem solid var(--good)}
            .headline.warn{border-left-color:var(--warn)}
            .headline.bad{border-left-color:var(--bad)}
            .mark{display:grid;place-items:center;width:2.5rem;height:2.5rem;border-radius:50%;background:var(--good-soft);color:var(--good)}
            .warn>.mark{background:var(--warn-soft);color:var(--warn)}
            .bad>.mark{background:var(--bad-soft);color:var(--bad)}
            .mark svg{width:1.375rem;height:1.375rem;fill:none;stroke:currentColor;stroke-width:2.25;stroke-linecap:round;stroke-linejoin:round}
            .headline p{color:var(--soft)}
            .findings{grid-column:1/-1;display:flex;flex-direction:column;gap:.75rem;margin-top:.75rem;padding:.875rem 0 0;\
            border-top:1px solid var(--line);list-style:none}
            .findings li{display:grid;grid-template-columns:5rem 1fr;gap:0 1rem}
            .findings p{color:var(--text)}
            .findings p+p{grid-column:2;color:var(--soft)}

            .states{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));gap:1rem;align-items:start}
            .states .card{display:flex;flex-direction:column;gap:.625rem;height:100%}
            @media (min-width:70rem){.states{grid-template-columns:repeat(3,minmax(0,1fr))}.states .tall{grid-row:span 2}.states .broad{grid-column:span 2}}
            .card-head{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.25rem 1rem}
            .card-head h3{color:var(--soft);font-weight:600;overflow-wrap:normal}
            .pill{display:inline-flex;align-items:center;gap:.375rem;padding:0 .625rem;border-radius:1rem;font-size:.8125rem;\
            font-weight:600;line-height:1.625rem;white-space:nowrap;background:var(--field);color:var(--soft)}
            .pill.good{background:var(--good-soft);color:var(--good)}
            .pill.warn{background:var(--warn-soft);color:var(--warn)}
            .pill.bad{background:var(--bad-soft);color:var(--bad)}
            .items{display:flex;flex-direction:column;gap:.625rem;padding:0;list-style:none}
            .items li+li{padding-top:.625rem;border-top:1px solid var(--line)}
            .items strong{font-weight:600}
            .facts{display:grid;grid-template-columns:minmax(5.5rem,auto) 1fr;gap:.125rem 1rem}
            .facts dt{color:var(--soft)}
            .names{display:flex;flex-wrap:wrap;gap:.25rem .375rem;padding:0;list-style:none}
            .names code{padding:.0625rem .375rem;border-radius:.25rem;background:var(--field);border:1px solid var(--line)}

            .split{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:1rem 2rem;align-items:start}
            .pair{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1rem 2rem}
            .chart{display:grid;grid-template-columns:2.25rem minmax(0,1fr)}
            .chart svg{display:block;width:100%;overflow:visible}
            .chart text{fill:var(--soft);font-size:.6875rem}
            .chart .rule{stroke:var(--line)}
            .chart .gap{stroke:var(--card);stroke-width:1}
            .f0{fill:var(--s0)}.f1{fill:var(--s1)}.f2{fill:var(--s2)}.f3{fill:var(--s3)}.f4{fill:var(--s4)}.f5{fill:var(--s5)}
            .ink{stroke:var(--card);stroke-width:2;fill:none}
            .dot{fill:var(--card)}
            .line{fill:none;stroke-width:2;stroke-linejoin:round}
            .l0{stroke:var(--s4)}.l1{stroke:var(--s3);stroke-dasharray:5 3}.l2{stroke:var(--s1);stroke-dasharray:2 3}
            .swatch{display:block;width:1.25rem;height:.875rem;border-radius:.125rem}
            figcaption{margin-bottom:.5rem;font-weight:600;color:var(--soft);font-size:.8125rem}

            table{width:100%;border-collapse:collapse;text-align:left}
            caption{padding:0 0 .375rem;text-align:left;font-weight:600;color:var(--soft);font-size:.8125rem}
            .flush caption{padding:.75rem 1.25rem .25rem}
            th,td{padding:.4375rem .625rem;vertical-align:top;font-weight:400}
            th:first-child,td:first-child{padding-left:0}
            th:last-child,td:last-child{padding-right:0}
            .flush th:first-child,.flush td:first-child{padding-left:1.25rem}
            .flush th:last-child,.flush td:last-child{padding-right:1.25rem}
            thead th{color:var(--soft);font-size:.75rem;font-weight:600;white-space:nowrap}
            tbody tr{border-top:1px solid var(--line)}
            tbody th{font-weight:550}
            .legend tbody th{overflow-wrap:break-word}
            .legend .why{overflow-wrap:anywhere}
            .n{text-align:right;white-space:nowrap}
            .t{white-space:nowrap}
            td.none{padding:1.25rem;color:var(--soft)}
            .why{display:block;color:var(--soft);font-size:.8125rem;font-weight:400}
            .ev::before{content:"";display:inline-block;width:.5rem;height:.5rem;margin-right:.5rem;border-radius:50%;background:var(--soft)}
            .ev.good::before{background:var(--good)}
            .ev.bad::before{border-radius:0;background:var(--bad);transform:rotate(45deg) scale(.9)}
            .ev.note::before{background:none;border:2px solid var(--soft)}
            .fresh{animation:fresh 3s ease-out}
            @keyframes fresh{from{background:var(--accent-soft)}}
            details{margin-top:.75rem}
            summary{cursor:pointer;color:var(--soft);font-size:.8125rem;padding:.25rem 0}
            .scroll{overflow-x:auto}
            .answer{display:grid;gap:.75rem;border-left:.375rem solid var(--line)}
            .answer.bad{border-left-color:var(--bad)}
            .answer.good{border-left-color:var(--good)}
            .answer.warn{border-left-color:var(--warn)}
            .said{padding:.625rem 1rem;border-radius:.5rem;background:var(--good-soft);color:var(--good);font-weight:600}
            .said.bad{background:var(--bad-soft);color:var(--bad)}
            .foot{border-top:1px solid var(--line);padding:.875rem 0;color:var(--soft);font-size:.8125rem}
            .foot .in{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem}
            .pages{display:flex;flex-wrap:wrap;align-items:center;gap:.75rem;padding:.75rem 1.25rem;border-top:1px solid var(--line)}

            @media (max-width:60rem){.split,.pair{grid-template-columns:minmax(0,1fr)}}
            @media (max-width:46rem){
            .in{padding:0 1rem}
            .top nav{order:3;width:100%}
            .top nav ul{gap:0}
            .top nav a{padding:.5rem .3125rem;font-size:.8125rem;white-space:nowrap}
            .top nav li:first-child a{padding-left:0}
            .tools{justify-content:flex-start;flex-basis:100%;flex-wrap:nowrap}
            .find{flex:1 1 auto}
            h1{font-size:1.25rem}
            .findings li{grid-template-columns:1fr;gap:.25rem}
            .findings p+p{grid-column:1}
            .stack,.stack tbody,.stack tr,.stack td,.stack th[scope=row],.stack caption{display:block}
            .stack{position:relative}
            .stack thead{display:block;position:absolute;left:0;top:0;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
            .wide{display:none}
            .swatch{width:.875rem}
            .legend th,.legend td{padding-left:.25rem;padding-right:.25rem}
            .card{padding:.875rem 1rem}
            .card.flush{padding:0}
            .stack tr{padding:.625rem 1.25rem}
            .stack td,.stack th[scope=row],.flush .stack td:first-child,.flush .stack td:last-child,.flush .stack th:first-child{padding:.0625rem 0}
            .stack [data-label],.stack th[scope=row][data-label]{display:grid;grid-template-columns:5.5rem minmax(0,1fr);gap:0 .5rem;text-align:left;white-space:normal}
            .stack [data-label]::before{content:attr(data-label);color:var(--soft)}
            .stack td.none{padding:.5rem 0}
            .stack [data-label]>.why{grid-column:2}
            .stack [data-label]:empty{display:none}
            }
            @media (prefers-reduced-motion:no-preference){.button,.top nav a{transition:background-color .12s,color .12s,filter .12s}}
            @media (prefers-reduced-motion:reduce){.fresh{animation:none}}
            @media (forced-colors:active){.card,.pill,.mark{border:1px solid}.top nav a[aria-current]{border-color:Highlight}}
            @media print{.top nav,.tools,.actions{display:none}body{background:none}}
            """
}
