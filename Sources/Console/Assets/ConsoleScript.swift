// SPDX-License-Identifier: Apache-2.0

/// The console's one script. Without it every page is complete; with it pages follow what happens.
///
/// The policy allows exactly this text. It puts values into the page as text only (`textContent`), and takes markup from
/// nowhere but the page's own address.
package enum ConsoleScript {
    package static let text = #"""
        (function(){"use strict";
        var feed=document.querySelector("[data-feed]"),state=document.getElementById("live"),timer=0,busy=false,last=0;
        function say(text){if(state&&state.textContent!==text)state.textContent=text}
        function cell(row,kind,label,text,extra){var c=document.createElement(kind);if(label)c.setAttribute("data-label",label);
        c.setAttribute("role",kind==="th"?"rowheader":"cell");if(kind==="th")c.setAttribute("scope","row");
        c.textContent=text||"";if(text&&extra){var s=document.createElement("span");s.className="why";s.textContent=extra;c.appendChild(s)}
        row.appendChild(c);return c}
        function show(id,e){if(!feed)return;
        var row=document.createElement("tr"),time=document.createElement("time"),c;
        row.setAttribute("role","row");row.className="fresh";
        c=cell(row,"td","Time","");c.className="t";time.dateTime=e.time;time.textContent=e.time.slice(11,19);c.appendChild(time);
        c=cell(row,"td","Event","");var v=document.createElement("span");v.className="ev "+(/^[a-z]+$/.test(e.tone)?e.tone:"");v.textContent=e.words||e.event;c.appendChild(v);cell(row,"th","User",e.user,e.provider);
        cell(row,"td","Reason",e.title||e.reason,(e.title?e.reason:"")+(e.detail?(e.title?": ":"")+e.detail:""));
        cell(row,"td","Client",e.client);c=cell(row,"td","Request",e.id);c.className="mono";
        var none=feed.querySelector(".none");if(none)none.parentNode.remove();
        feed.insertBefore(row,feed.firstChild);
        while(feed.rows.length>+feed.getAttribute("data-feed"))feed.deleteRow(feed.rows.length-1)}
        function refresh(){if(busy||document.hidden)return;busy=true;
        fetch(location.href,{credentials:"same-origin",headers:{"Accept":"text/html"}}).then(function(r){
        if(r.status===401||r.status===403){location.reload();return ""}return r.ok?r.text():""}).then(function(text){busy=false;last=Date.now();if(!text)return;
        var page=new DOMParser().parseFromString(text,"text/html");
        if(!page.getElementById("live")){location.reload();return}
        document.querySelectorAll("[data-live]").forEach(function(old){
        var now=page.getElementById(old.id);if(!now||now.innerHTML===old.innerHTML)return;
        if(old.contains(document.activeElement)&&document.activeElement!==old)return;
        old.querySelectorAll("details[open]").forEach(function(d){var n=now.querySelector("#"+CSS.escape(d.id));if(n)n.open=true});
        old.replaceWith(document.adoptNode(now))})}).catch(function(){busy=false;say("No connection to the gate")})}
        function later(wait){if(timer)return;timer=setTimeout(function(){timer=0;refresh()},wait)}
        if(!document.querySelector("[data-live],[data-feed]")||!window.EventSource)return;
        var source=new EventSource("/events?after="+encodeURIComponent(document.body.getAttribute("data-after")||""));
        source.onopen=function(){say("Live");if(last&&Date.now()-last>5000)later(0)};
        source.onerror=function(){say(source.readyState===2?"Not live: reload the page":"Connecting again")};
        source.addEventListener("audit",function(m){try{show(m.lastEventId,JSON.parse(m.data))}catch(e){}later(Math.max(300,last+2000-Date.now()))});
        setInterval(function(){later(0)},10000);
        document.addEventListener("visibilitychange",function(){if(!document.hidden)later(0)})})();
        """#
}
