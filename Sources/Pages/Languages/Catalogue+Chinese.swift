// SPDX-License-Identifier: Apache-2.0

import Decisions

extension Catalogue {
    /// Simplified.
    static let chinese = Catalogue(
        phrases: [
            .continueLabel: "继续", .codeLabel: "代码", .statusLabel: "状态", .requestIDLabel: "请求 ID",
            .timeLabel: "时间", .signedInAsLabel: "当前登录账号", .accountLabel: "账号",
            .switchAccountLabel: "使用其他账号", .tryAgainLabel: "重试", .fixLabel: "供管理员参考",

            .redirectingTitle: "请稍候",
            .redirecting: "正在为您跳转。如果没有反应，请使用链接。",
            .chooseTitle: "登录",
            .choose: "请选择登录方式。",
            .signedOutTitle: "您已退出登录",
            .signedOut: "您在此处的会话已结束。可以关闭此页面。",
            .signedOutAdvice: "如果使用的是共用设备，请同时在身份提供商处退出登录。",
            .signInAgainLabel: "重新登录",
            .confirmSignInTitle: "这是您吗？",
            .confirmSignIn: "使用此账号的登录是在别处发起的，而不是在此页面。",
            .confirmSignInAdvice: "只有在登录由您发起且账号属于您时，才请继续。",
            .confirmSignInLabel: "是，登录",
            .cancelSignInLabel: "不，这不是我",
            .returnedElsewhereTitle: "登录后返回到了另一个地址",
            .confirmSignOutTitle: "要退出登录吗？",
            .confirmSignOut: "您在此处的会话将结束。未保存的内容可能会丢失。",
            .confirmSignOutLabel: "退出登录",
            .cancelSignOutLabel: "保持登录",
            .loginLoopTitle: "登录不断重复",
            .loginLoop: "您在几秒钟内多次登录，但每次会话都丢失了。可能的原因如下：",
            .loopByCookies: "您的浏览器阻止了此网站的 Cookie。请允许 Cookie，包括在无痕窗口中。",
            .loopByScheme: "地址以 http:// 开头，而网站要求 https://，因此浏览器丢弃了其安全 Cookie。",
            .loopByHost: "可以通过多个主机名访问此网站，而 Cookie 属于另一个主机名。",
            .loopByClock: "此设备或服务器的时钟不正确。",
            .loopBySecrets: "此网站的各台服务器使用了不同的会话密钥。",
            .upstreamDownAdvice: "请稍后重试。",

            .sessionEndedTitle: "您的会话已结束",
            .notSignedInTitle: "您尚未登录",
            .formKept: "您输入的内容尚未发送，已保留在此页面上。请在另一个标签页中登录，然后回到这里发送。",
            .formKeptAdvice: "在此之前，请不要关闭此页面。",
            .signedInBeforeLabel: "此前登录的账号",
            .signInLabel: "登录",
            .sendFormLabel: "发送",
            .formOfOtherTitle: "要用另一个账号发送吗？",
            .formOfOther: "此表单是用一个账号填写的，而您现在登录的是另一个账号。表单尚未发送。",
            .filledInLabel: "填写时的账号",
            .signedInNowLabel: "当前登录的账号",
            .sendFormAsLabel: "以 {account} 的身份发送",
            .formLost: "您输入的内容没有发送。",
            .formLostAdvice: "请在另一个标签页中登录，然后在此标签页中后退：大多数浏览器仍会显示您输入的内容。",
            .formLostOff: "此网站不保留表单。",
            .formLostOtherSite: "无法保留，因为它不是来自此网站的页面。",
            .formLostType: "无法保留，因为它不是普通的表单。",
            .formLostFiles: "无法保留，因为其中包含文件。",
            .formLostSize: "无法保留，因为它过大。",
            .formLostCount: "无法保留，因为其中的字段过多。",
            .formLostRoom: "无法保留，因为服务器繁忙。",
            .formLostUnsendable: "无法保留，因为您的浏览器无法原样再次发送。",
            .formLostAddress: "无法保留，因为表单的地址过长。",
            .signedInTitle: "您已登录",
            .signedInForForm: "请回到另一个标签页发送表单。可以关闭此标签页。",
            .notSignedInForForm: "请登录，然后回到另一个标签页发送表单。",
            .frameTitle: "请登录",
            .frame: "页面的这一部分需要您登录，而登录只能在整个窗口中进行。",
            .frameAdvice: "如果按钮没有反应，请在单独的标签页中打开此网站。",
            .leaving: "正在为您跳转到登录页面。如果没有反应，请使用按钮。",
            .arriving: "正在为您跳转到目标页面。如果没有反应，请使用按钮。",
            .linkTooLong: "您想查看的页面地址过长，无法在登录期间记住。",
            .linkTooLongAdvice: "请再次打开该链接：现在它会打开该页面。或者前往首页。",

            .otherRefusalTitle: "请求被拒绝",
            .otherRefusal: "无法处理该请求。",
            .otherFailureTitle: "出现问题",
            .otherFailure: "无法处理该请求。请重试。",
            .otherReasonTitle: "登录未成功",
            .otherReason: "无法完成登录。",
            .otherReasonAdvice: "请重试。如果仍然失败，请将代码和请求 ID 告知您的管理员。",
            .otherReasonFix: "请在日志中查找该请求 ID。",

            .returnPathMismatch: "它将您重定向到了 {path}，但此网站在 {expected} 接收登录。",
            .or: "或",
            .tokenInPath: "它用 & 将令牌附加到没有查询字符串的 {path}，因此令牌成了路径的一部分；此网站在 {expected} 接收登录。",
            .tokenInPathFix: "返回地址没有查询字符串时，请让提供商用 ? 附加令牌。如果无法做到，请在那里填写末尾带问号的返回地址。",
            .wrongUnitTitle: "登录令牌以{unit}为单位计时",
            .wrongUnit: "登录令牌的时间“{claim}”以{unit}为单位，而令牌应以秒计时，因此该时间处于遥远的未来。",
            .wrongUnitAdvice: "重试无济于事。请将下方的代码告知您的管理员。",
            .wrongUnitFix: "请让提供商发送自 1970 年以来的整秒数。",
            .wrongUnitFixByScript: "请让提供商将时间除以 1000；在 JavaScript 中为 Math.floor(Date.now() / 1000)。",
            .milliseconds: "毫秒", .microseconds: "微秒", .nanoseconds: "纳秒",
            .fieldMissing: "缺少字段 {field}。",
            .fieldMissingInClaims: "缺少字段 {field}（声明：{claims}）。",
            .emailUnverified: "由于 email_verified 不为 true，声明 email 不予采用 (token.acceptUnverifiedEmail)。",
            .fieldNotText: "字段 {field} 既不是文本，也不是文本列表。",
            .fieldValueCount: "字段 {field} 有 {count} 个值；最多接受 {limit} 个。",
            .fieldSingleValue: "字段 {field} 有 {count} 个值；只接受一个。",
            .fieldValueLength: "字段 {field} 有一个 {count} 字节的值；最多接受 {limit} 字节。",
            .fieldControlCharacter: "字段 {field} 包含控制字符。",
            .fieldBlankEnd: "字段 {field} 的开头或末尾有空白。",
            .fieldWithoutSingleAt: "字段 {field} 中的 @ 不是恰好一个。",
            .fieldNotPlainEmail: "字段 {field} 不是单个普通的电子邮件地址。",
            .fieldTotal: "加上字段 {field}，所有字段合计 {count} 字节；最多接受 {limit} 字节。",
            .sessionTooLarge: "会话无法放入它最多可用的 {limit} 个 Cookie；其最大的字段是 {field}，有 {count} 字节。",
            .fieldAdvice: "重试无济于事。请让管理员更正您的账号。",
            .returnedElsewhere:
                "身份提供商将您重定向到了 {actual}，但此网站的地址是 {expected}；登录开始时的 Cookie 只存在于那里。",
            .providerErrorCode: "其错误代码为 {code}。",
            .providerSentNothing: "它既没有发送代码，也没有发送错误。",
            .otherResponseMode: "它{actual}发送了响应；此网站{expected}接收响应。",
            .responseInURL: "在 URL 中",
            .responseInForm: "在表单中",
            .openIDStateFix:
                "使用 OpenID Connect 时，登录从应用开始：请让门户中的链接指向 publicURL。否则，请检查是否使用了其他主机名、以 http 代替了 https，或阻止了 Cookie。",
            .openIDResponseFix: "请在提供商处允许该客户端使用 authorization code 流程。响应必须按 identityProvider.responseMode 所设的方式发送。",
            .openIDTokenFix: "响应中任何参数都不得重复；ID 令牌必须按 OpenID Connect Core 1.0 的要求含有 sub、iat 和 exp，经过签名且未加密。",
            .openIDKeyFix: "签署 ID 令牌的密钥必须在提供商 jwks_uri 的密钥集中。获取失败会记录在日志中；`sidegate doctor` 会尝试获取。",
            .openIDIssuerFix: "identityProvider.issuer 必须与响应和 ID 令牌的 \"iss\" 完全一致，包括末尾的斜杠。",
            .openIDAudienceFix: "identityProvider.clientID 必须是 ID 令牌所面向的客户端（\"aud\"、\"azp\"）。",
        ],
        statuses: [
            400: StatusWords(title: "无法读取请求", message: "您的浏览器或中间服务器发送了格式错误的请求。"),
            401: StatusWords(title: "请登录", message: "此页面仅向已登录的用户显示。"),
            403: StatusWords(title: "不允许访问", message: "您无权查看此页面。"),
            404: StatusWords(title: "找不到页面", message: "此地址没有页面。"),
            405: StatusWords(title: "不允许的方法", message: "此地址不接受此类请求。"),
            408: StatusWords(title: "请求耗时过长", message: "您的浏览器未能及时完成请求。请重试。"),
            411: StatusWords(title: "请求未说明长度", message: "此地址要求说明内容的长度。"),
            413: StatusWords(title: "内容过大", message: "内容超过了此网站接受的大小。"),
            414: StatusWords(title: "地址过长", message: "此页面的地址超过了此网站接受的长度。"),
            417: StatusWords(title: "无法满足期望", message: "您的浏览器要求了此网站不支持的功能。"),
            421: StatusWords(title: "访问了错误的服务器", message: "此服务器不提供所请求的网站。"),
            429: StatusWords(title: "请求过多", message: "您发送的请求过多。请稍后重试。"),
            431: StatusWords(title: "请求过大", message: "您的浏览器发送的字段或 Cookie 超过了此网站接受的数量。删除此网站的 Cookie 可能会有帮助。"),
            500: StatusWords(title: "出现问题", message: "由于此网站出错，请求失败。请重试。"),
            501: StatusWords(title: "不支持", message: "此网站不支持此类请求。"),
            502: StatusWords(title: "应用没有响应", message: "您已连接到此网站，但其后的应用没有给出有效的响应。"),
            503: StatusWords(title: "暂时不可用", message: "此网站正在启动、停止或已满载。请稍后重试。"),
            504: StatusWords(title: "应用响应时间过长", message: "您已连接到此网站，但其后的应用未能及时响应。"),
            505: StatusWords(title: "不支持的 HTTP 版本", message: "您的浏览器使用了此网站不支持的 HTTP 版本。"),
        ],
        reasons: [
            .tokenMissing: ReasonText(
                title: "未收到登录令牌", happened: "身份提供商将您重定向回来时没有附带登录令牌。", advice: startInChinese,
                fix: "请将 identityProvider.tokenParameter 与提供商使用的参数进行比较，并确认途中没有任何环节（重定向、缓存）截断查询字符串。"),
            .tokenTooLarge: ReasonText(
                title: "登录令牌过大", happened: "身份提供商发送的登录令牌超过了 16 KiB。", advice: cannotHelpInChinese,
                fix: "请让提供商减少放入令牌的数据；常见原因是组的列表过长。"),
            .tokenMalformed: ReasonText(
                title: "登录令牌已损坏", happened: "身份提供商发送了格式错误的登录令牌，或发送了多个令牌。", advice: againInChinese,
                fix:
                    "令牌必须是紧凑格式的 JWS：三段不带填充的 base64url，以点分隔，且只出现一次。`sidegate explain` 会指出问题所在；常见的情况是提供商添加了填充，或对 URL 编码了两次。"
            ),
            .headerMalformed: ReasonText(
                title: "登录令牌已损坏", happened: "无法读取登录令牌的第一部分，即其头部。", advice: againInChinese,
                fix: "头部必须是包含 \"alg\" 且没有重复名称的 UTF-8 JSON 对象。如果提供商使用不同的名称写法，请设置 token.headerAliases。"),
            .claimsMalformed: ReasonText(
                title: "登录令牌已损坏", happened: "无法读取登录令牌的第二部分，即关于您的信息。", advice: againInChinese,
                fix: "声明（claims）必须是没有重复名称的 UTF-8 JSON 对象，时间必须是数字而不是文本。注销令牌不能用于登录。"),
            .algorithmNotAllowed: ReasonText(
                title: "登录令牌的签名方式不符合预期", happened: "登录令牌使用了此网站不接受的签名算法。", advice: cannotHelpInChinese,
                fix: "请让提供商使用 token.algorithms 中的一种算法签名；如果要接受其算法，请将它添加到其中。"),
            .algorithmMissing: ReasonText(
                title: "登录令牌没有说明签名方式", happened: "登录令牌没有指明签名算法。", advice: cannotHelpInChinese,
                fix: "令牌的头部必须包含 \"alg\"。如果提供商使用不同的写法，请设置 token.headerAliases。"),
            .criticalHeaderUnsupported: ReasonText(
                title: "登录令牌要求未知的扩展", happened: "登录令牌要求此网站不支持的扩展（“crit”）。", advice: cannotHelpInChinese,
                fix: "请在提供商处关闭该扩展；不支持任何 crit 扩展。"),
            .keyNotFound: ReasonText(
                title: "无法验证登录令牌", happened: "此网站没有与签署登录令牌的密钥相匹配的密钥。", advice: againInChinese,
                fix: "请将令牌的 \"kid\" 和 \"alg\" 与 token.keys 进行比较。如果提供商更换了密钥，请更新密钥文件或密钥集。"),
            .signatureInvalid: ReasonText(
                title: "登录令牌不可信", happened: "登录令牌的签名不匹配。", advice: againInChinese,
                fix: "双方必须持有相同的密钥（或相匹配的密钥对）。请检查 token.keys：secretEncoding、多余的空格或换行，以及环境是否正确（测试或生产）。"),
            .expired: ReasonText(
                title: "此次登录已过期", happened: "登录令牌只在短时间内有效，现已过期。", advice: "请重试。常见原因是页面打开时间过长，或使用了旧链接。",
                fix: "如果立即出现此问题，请比较本机与提供商的时钟；token.clockSkew 允许存在小的偏差。"),
            .notYetValid: ReasonText(
                title: "此次登录尚未生效", happened: "登录令牌尚未生效。", advice: "请等待一分钟后重试。",
                fix: "本机的时钟慢于提供商的时钟 (\"nbf\")。请同步两者，或增大 token.clockSkew。"),
            .issuedInFuture: ReasonText(
                title: "此次登录的签发时间在未来", happened: "按照此网站的时钟，登录令牌的签发时间在未来。", advice: "请等待一分钟后重试。",
                fix: "本机的时钟慢于提供商的时钟 (\"iat\")。请同步两者，或增大 token.clockSkew。"),
            .tooOld: ReasonText(
                title: "此次登录时间过久", happened: "登录令牌的签发时间早于此网站接受的范围。", advice: "请从您想查看的页面开始重试。",
                fix: "token.maxAge 从 \"iat\" 开始计算。请比较时钟；如果提供商重定向较慢，请增大该值。"),
            .expiryMissing: ReasonText(
                title: "登录令牌没有到期时间", happened: "登录令牌没有说明何时到期，而此网站要求说明。", advice: cannotHelpInChinese,
                fix: "请让提供商添加 \"exp\"；或将 token.requireExpiry 设为 false，并依靠 token.maxAge。"),
            .issuedAtMissing: ReasonText(
                title: "登录令牌没有签发时间", happened: "登录令牌没有说明何时签发。", advice: cannotHelpInChinese,
                fix: "没有 \"exp\" 时，令牌需要 \"iat\"。如果提供商使用不同的写法，请设置 token.claimAliases。"),
            .issuerMismatch: ReasonText(
                title: "登录来自其他身份提供商", happened: "登录令牌由另一个身份提供商签发，而不是此网站信任的那一个。", advice: cannotHelpInChinese,
                fix: "token.issuer 必须与令牌的 \"iss\" 完全一致，包括末尾的斜杠。"),
            .audienceMismatch: ReasonText(
                title: "此次登录用于另一个网站", happened: "登录令牌是为另一个应用签发的。", advice: startInChinese,
                fix: "请将令牌的 \"aud\" 列入 token.audience。该列表为空时，指明了受众的令牌会被拒绝。"),
            .idMissing: ReasonText(
                title: "登录令牌没有 ID", happened: "登录令牌缺少此网站要求的唯一 ID。", advice: cannotHelpInChinese,
                fix: "请让提供商添加 \"jti\"；或将 token.minimumIDLength 设为 0。"),
            .idTooShort: ReasonText(
                title: "登录令牌的 ID 过短", happened: "登录令牌的唯一 ID 短于此网站的要求。", advice: cannotHelpInChinese,
                fix: "请让提供商使用更长的 \"jti\"；或减小 token.minimumIDLength。"),
            .replayed: ReasonText(
                title: "此次登录已被使用", happened: "每个登录令牌只能使用一次，而此令牌已被使用。", advice: "请重试。常见原因是在浏览器中后退或重新加载页面。",
                fix: "如果许多用户同时遇到：途中的某个环节（链接扫描器、代理）在浏览器之前打开了返回 URL。"),
            .replayStoreUnavailable: ReasonText(
                title: "目前无法登录", happened: "此网站无法检查登录令牌是否已被使用，因此不接受任何令牌。", advice: "请在一分钟后重试。",
                fix: "无法连接共享存储；此时的处理方式由 replay.onFailure 决定。"),
            .replayStoreFull: ReasonText(
                title: "目前登录请求过多", happened: "此网站没有空间记录登录令牌已被使用，因此不接受任何令牌。", advice: "请在几分钟后重试。",
                fix: "已用令牌的内存已满 (replay.maxEntries)。请增大该值，缩短令牌的有效时间 (\"exp\"、token.maxAge)，或将 replay.store 设为 redis。"),
            .fieldMissing: ReasonText(
                title: "缺少账号信息", happened: "身份提供商没有发送此网站要求的账号信息。", advice: "请让管理员补全您的账号信息，例如电子邮件地址。",
                fix: "token.required 中的每个字段都必须来自 token.claims 中其声明（claims）之一。"),
            .fieldInvalid: ReasonText(
                title: "账号信息无效", happened: "您的账号信息包含此网站无法接受的值。", advice: "请让管理员检查您的账号信息，例如电子邮件地址。",
                fix: "电子邮件地址恰好有一个 @；任何字段都不能包含控制字符。一个字段最多可有 512 个值，每个值 1024 字节（电子邮件地址：320），所有字段合计 10 KiB。"),
            .userNotRegistered: ReasonText(
                title: "您的账号未在此注册", happened: "您已登录，但此网站没有您的账号。", advice: "请使用其他账号，或让管理员注册此账号。",
                fix: "请将地址添加到 access.users（emails、emailsFile、emailDomains 或 groups）。"),
            .siteNotGranted: ReasonText(
                title: "您的账号无权访问此网站", happened: "您已登录，但您的账号未获准访问此网站。", advice: accessInChinese,
                fix: "令牌的网站列表（sites）必须包含 access.site。"),
            .guestRefused: ReasonText(
                title: "访客无权访问", happened: "您的账号未在此注册，而您的登录也不允许以访客身份访问。", advice: "请使用其他账号，或让管理员注册此账号。",
                fix: "令牌的 \"guest\" 为 false，且 access.users 不包含该账号；请注册该账号，或让提供商将 guest 发送为 true。"),
            .groupMissing: ReasonText(
                title: "此页面仅供另一个组使用", happened: "您已登录，但您的账号不在可以查看此页面的组中。", advice: "请使用其他账号，或让管理员将您加入该组。",
                fix: "access.users.groups 设置或 access.rules 中的规则要求某个组；可用 `sidegate explain` 查看令牌包含哪些组。"),
            .ruleDenied: ReasonText(
                title: "您无权查看此页面", happened: "此网站的规则不允许您的账号访问此页面。", advice: accessInChinese,
                fix: "access.rules 中的规则禁止该路径，或要求该账号没有的字段。"),
            .providerNotAllowed: ReasonText(
                title: "此处需要另一种登录", happened: "此页面不供您登录时所用身份提供商的账号使用。", advice: "请用其他方式登录，或向管理员申请访问权限。",
                fix: "access.rules 中的规则指定了其他提供商，或 identityProviders 的 hosts 没有在此主机上提供该提供商。"),
            .identityHeadTooLarge: ReasonText(
                title: "您的账号信息过多", happened: "此网站要告知应用的账号信息超过了应用接受的数量。", advice: "请让管理员减少您账号所属组的数量。",
                fix: "身份标头超过了 upstream.headerBytes。请让提供商发送较少的组，从 identityHeaders 中去掉一些标头，或在应用能够接受时提高上限。"),
            .seatLimitReached: ReasonText(
                title: "没有空余席位", happened: "此应用的所有席位都已占用，因此无法添加账号。", advice: "请让管理员释放或增加席位，然后重试。",
                fix: "应用以 402、403 或 409 响应了 provisioning.url 的请求。"),
            .provisioningFailed: ReasonText(
                title: "无法设置您的账号", happened: "应用没有确认您的账号，因此您没有登录。", advice: "请在一分钟后重试。",
                fix: "provisioning.url 没有返回成功；其响应在日志中。"),
            .loginStateMissing: ReasonText(
                title: "此次登录不是在这里发起的", happened: "您的浏览器没有在这里发起此次登录，或丢失了登录开始时的 Cookie。",
                advice: "请从您想查看的页面重新开始，并允许此网站的 Cookie。",
                fix: "从提供商处发起的登录如何处理，由 identityProvider.initiated 决定。否则，请检查是否使用了其他主机名、以 http 代替了 https，或阻止了 Cookie。"),
            .loginStateExpired: ReasonText(
                title: "登录耗时过长", happened: "登录从开始到结束超过了十分钟。", advice: "请重试。", fix: "无需处理，除非立即出现：那说明各副本的会话密钥不同，或时钟发生跳变。"),
            .returnURLRefused: ReasonText(
                title: "该地址不属于此网站", happened: "所请求的返回地址在此网站之外。", advice: startInChinese,
                fix: "return_to 必须是此网站的路径，或其主机上或 session.domain 之下的 URL。"),
            .returnPathMismatch: ReasonText(
                title: "登录后返回到了错误的地址", happened: "身份提供商将您重定向到了此网站不接收登录的地址。", advice: cannotHelpInChinese,
                fix:
                    "请将提供商处的返回地址（重定向 URL、SSO URL、ACS URL）设为此网站的 identityProvider.returnPath，或将该设置改为与提供商一致。两者必须完全相同，包括末尾的斜杠。"
            ),
            .providerError: ReasonText(
                title: "身份提供商没有让您登录", happened: "身份提供商返回了错误，而不是登录结果。", advice: "请重试。如果是您自己取消了登录，则无需理会。",
                fix: "提供商的错误代码在日志中。可能是用户拒绝或无权使用此客户端，也可能是提供商处的客户端设置不匹配：请比较范围（scopes）、响应类型和重定向 URI。"),
            .providerUnavailable: ReasonText(
                title: "目前无法登录", happened: "此网站目前无法连接身份提供商。", advice: "请等待一分钟后重试。已登录的用户不受影响。",
                fix: "无法从此处获取提供商的发现文档或其某个端点。原因在日志中；可用 `sidegate doctor` 逐一测试。"),
            .codeExchangeFailed: ReasonText(
                title: "无法完成登录", happened: "身份提供商没有接受它将您重定向回来时附带的代码。", advice: againInChinese,
                fix:
                    "提供商的错误代码在日志中。invalid_client：请比较 identityProvider.clientID、密钥和 clientAuthentication；invalid_grant：代码已被使用、过旧，或是为另一个重定向 URI 签发的。"
            ),
            .nonceMismatch: ReasonText(
                title: "此次登录属于另一次尝试", happened: "身份提供商返回的登录是为另一次尝试签发的。", advice: startInChinese,
                fix: "ID 令牌必须原样包含请求的 nonce。如果多次出现，可能有人在重复使用他人的登录。"),
            .sessionExpired: ReasonText(
                title: "您的会话已结束", happened: "您的会话已达到此网站的最长时间。", advice: "请重新登录。", fix: "该时间由 session.lifetime 设定。"),
            .sessionIdle: ReasonText(
                title: "您的会话已结束", happened: "由于一段时间没有操作，您已退出登录。", advice: "请重新登录。", fix: "该时间由 session.idleTimeout 设定。"),
            .sessionRevoked: ReasonText(
                title: "您已被退出登录", happened: "由于在别处退出登录或由管理员操作，您的会话已结束。", advice: "请重新登录。",
                fix: "提供商发送了后端通道注销（back-channel），或会话已从存储中移除。"),
            .sessionInvalid: ReasonText(
                title: "您的会话在此无效", happened: "无法打开您浏览器中的会话 Cookie。", advice: "请重新登录。",
                fix: "更换会话密钥时没有在 session.secrets 中保留旧密钥，各副本的密钥不同，或 Cookie 被篡改。"),
            .identityHeaderSpoofed: ReasonText(
                title: "此请求已被阻止", happened: "该请求带有应用可能误认为您身份的标头。", advice: "浏览器不会发送这样的标头。如果是扩展或脚本添加的，请将其停用。",
                fix: "代理的鉴权请求中带有一个标头，其名称是身份标头的另一种写法，例如 X_Forwarded_User。请让代理丢弃此类名称，并在其日志中查找客户端。"),
            .pathUnreadable: ReasonText(
                title: "无法读取地址", happened: "此页面的地址有歧义，因此没有转发请求。", advice: "请检查地址，或从首页开始。如果您是通过链接来到这里的，请告知管理员。",
                fix:
                    "路径中有“.”或“..”段，或以两个斜杠开头（可能经过编码），或包含各服务器读法不同的编码。客户端应发送解析后的路径；`sidegate explain --request PATH` 会说明问题所在。"
            ),
            .crossSiteRequest: ReasonText(
                title: "此请求已被阻止", happened: "另一个网站的页面可能使用您的会话发出了此请求，因此没有转发。", advice: "请在此网站上打开该页面，然后从那里重试。",
                fix:
                    "使用 session.partitioned 时，更改数据的请求或 WebSocket 必须来自此网站的页面，以 Sec-Fetch-Site 或 Origin 为准。前面的代理应传递这两个字段；其他网站的程序需要 Bearer 令牌。"
            ),
        ])

    private static let againInChinese = "请重试。如果仍然失败，请将下方的代码告知您的管理员。"
    private static let cannotHelpInChinese = "重试可能无济于事。请将下方的代码告知您的管理员。"
    private static let startInChinese = "请从您想查看的页面重新开始。"
    private static let accessInChinese = "请使用其他账号，或向管理员申请访问权限。"
}
