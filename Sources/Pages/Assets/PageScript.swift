// SPDX-License-Identifier: Apache-2.0

/// The one script that pages can have (`session.keepFragment`): it keeps the fragment of the address in the tab's
/// `sessionStorage` while the user signs in. The policy allows exactly this text, by its hash, and it holds no value of a
/// page: those are attributes of the page's link.
///
/// | `data-fragment` | what the script does |
/// |---|---|
/// | `keep` | keeps the fragment under `data-attempt`, forgets older ones, and goes on to the link |
/// | `restore` | adds the fragment that was kept under `data-attempt` to the link, and goes on to it |
/// | `carry` | adds the page's own fragment to the link |
///
/// A fragment that is kept begins with `#`, whatever else the page's site has put there: it changes no address.
package enum PageScript {
    package static let text = #"""
        (function(){"use strict";\#
        var prefix="sidegate-fragment-",here=location.hash,links=document.links,store=null,next="",kept="",i,j,link,name;\#
        try{store=window.sessionStorage}catch(e){}\#
        for(i=0;i<links.length;i++){link=links[i];\#
        var use=link.getAttribute("data-fragment"),key=prefix+link.getAttribute("data-attempt");\#
        if(use==="carry"){if(here.length>1)link.hash=here;continue}\#
        if(use!=="keep"&&use!=="restore")continue;\#
        try{kept=store.getItem(key)||"";\#
        for(j=store.length-1;j>=0;j--){name=store.key(j);if(name.indexOf(prefix)===0)store.removeItem(name)}\#
        if(use==="keep"&&here.length>1&&here.length<=65536)store.setItem(key,here)}catch(e){}\#
        if(use==="restore"){if(kept.charAt(0)!=="#")kept=here;\#
        if(kept.length>1&&link.href.indexOf("#")<0)link.href+=kept}\#
        next=link.href}\#
        if(next)location.replace(next)})();
        """#

    /// For `script-src`.
    package static let source = "'sha256-Akv8ffQgizRv+Rv7K4aAUHCmJipH4NRrYmoAB0QUjwE='"
}
