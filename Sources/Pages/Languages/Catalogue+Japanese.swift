// SPDX-License-Identifier: Apache-2.0

import Decisions

extension Catalogue {
    static let japanese = Catalogue(
        phrases: [
            .continueLabel: "続ける", .codeLabel: "コード", .statusLabel: "ステータス", .requestIDLabel: "リクエスト ID",
            .timeLabel: "時刻", .signedInAsLabel: "サインイン中のアカウント", .accountLabel: "アカウント",
            .switchAccountLabel: "別のアカウントを使う", .tryAgainLabel: "もう一度試す", .fixLabel: "管理者向けの情報",

            .redirectingTitle: "お待ちください",
            .redirecting: "移動しています。画面が変わらない場合は、リンクを使ってください。",
            .chooseTitle: "サインイン",
            .choose: "サインインの方法を選んでください。",
            .signedOutTitle: "サインアウトしました",
            .signedOut: "このサイトのセッションは終了しました。このページは閉じてかまいません。",
            .signedOutAdvice: "共有の端末では、ID プロバイダーからもサインアウトしてください。",
            .signInAgainLabel: "もう一度サインイン",
            .confirmSignInTitle: "ご本人ですか？",
            .confirmSignIn: "このアカウントでのサインインは、このページではなく別の場所から始まりました。",
            .confirmSignInAdvice: "ご自身で始めたサインインで、ご自身のアカウントである場合にだけ続けてください。",
            .confirmSignInLabel: "はい、サインインする",
            .cancelSignInLabel: "いいえ、違います",
            .returnedElsewhereTitle: "サインイン後に別のアドレスへ戻されました",
            .confirmSignOutTitle: "サインアウトしますか？",
            .confirmSignOut: "このサイトのセッションが終了します。保存していない内容は失われることがあります。",
            .confirmSignOutLabel: "サインアウト",
            .cancelSignOutLabel: "サインインしたままにする",
            .loginLoopTitle: "サインインが繰り返されています",
            .loginLoop: "数秒のうちに何度もサインインしましたが、そのたびにセッションが失われました。考えられる原因は次のとおりです。",
            .loopByCookies:
                "ブラウザーがこのサイトの Cookie をブロックしています。プライベートウィンドウでも Cookie を許可してください。",
            .loopByScheme:
                "アドレスが http:// で始まっていますが、サイトは https:// を想定しているため、ブラウザーが Secure 属性の付いた Cookie を破棄しています。",
            .loopByHost: "サイトが複数のホスト名で使われていて、Cookie が別のホスト名のものになっています。",
            .loopByClock: "この端末またはサーバーの時計がずれています。",
            .loopBySecrets: "このサイトのサーバーが、それぞれ異なるセッションシークレットを使っています。",
            .upstreamDownAdvice: "しばらくしてからもう一度お試しください。",

            .sessionEndedTitle: "セッションが終了しました",
            .notSignedInTitle: "サインインしていません",
            .formKept: "入力した内容はまだ送信されていません。このページに保存されています。別のタブでサインインしてから、ここに戻って送信してください。",
            .formKeptAdvice: "それまでこのページを開いたままにしてください。",
            .signedInBeforeLabel: "これまでのアカウント",
            .signInLabel: "サインイン",
            .sendFormLabel: "送信",
            .formOfOtherTitle: "別のアカウントで送信しますか？",
            .formOfOther: "このフォームはあるアカウントで入力されましたが、現在は別のアカウントでサインインしています。まだ送信されていません。",
            .filledInLabel: "入力時のアカウント",
            .signedInNowLabel: "現在のアカウント",
            .sendFormAsLabel: "{account} として送信",
            .formLost: "入力した内容は送信されませんでした。",
            .formLostAdvice: "別のタブでサインインしてから、このタブで前に戻ってください。ほとんどのブラウザーでは、入力した内容がまだ表示されます。",
            .formLostOff: "このサイトはフォームを保存しません。",
            .formLostOtherSite: "このサイトのページから送られたものではないため、保存できませんでした。",
            .formLostType: "通常のフォームではないため、保存できませんでした。",
            .formLostFiles: "ファイルが含まれているため、保存できませんでした。",
            .formLostSize: "大きすぎるため、保存できませんでした。",
            .formLostCount: "フィールドが多すぎるため、保存できませんでした。",
            .formLostRoom: "サーバーが混み合っているため、保存できませんでした。",
            .formLostUnsendable: "ブラウザーがそのままの内容で再送信できないため、保存できませんでした。",
            .formLostAddress: "フォームのアドレスが長すぎるため、保存できませんでした。",
            .signedInTitle: "サインインしました",
            .signedInForForm: "元のタブに戻ってフォームを送信してください。このタブは閉じてかまいません。",
            .notSignedInForForm: "サインインしてから、元のタブに戻ってフォームを送信してください。",
            .frameTitle: "サインインしてください",
            .frame: "ページのこの部分にはサインインが必要です。サインインはウィンドウ全体でのみ行えます。",
            .frameAdvice: "ボタンが動作しない場合は、このサイトを別のタブで開いてください。",
            .leaving: "サインインページに移動しています。画面が変わらない場合は、ボタンを使ってください。",
            .arriving: "目的のページに移動しています。画面が変わらない場合は、ボタンを使ってください。",
            .linkTooLong: "表示したかったページのアドレスが長すぎるため、サインインの間に記憶しておくことができません。",
            .linkTooLongAdvice: "もう一度リンクを開くと、そのページが表示されます。または、トップページに進んでください。",

            .otherRefusalTitle: "リクエストは拒否されました",
            .otherRefusal: "リクエストを処理できませんでした。",
            .otherFailureTitle: "問題が発生しました",
            .otherFailure: "リクエストを処理できませんでした。もう一度お試しください。",
            .otherReasonTitle: "サインインできませんでした",
            .otherReason: "サインインを完了できませんでした。",
            .otherReasonAdvice:
                "もう一度お試しください。解決しない場合は、コードとリクエスト ID を管理者に伝えてください。",
            .otherReasonFix: "ログでリクエスト ID を検索してください。",

            .returnPathMismatch: "{path} に戻されましたが、サインインを受け付けるのは {expected} です。",
            .or: "または",
            .tokenInPath: "クエリのない {path} にトークンが & で付け加えられたため、トークンがパスの一部になりました。サインインを受け付けるのは {expected} です。",
            .tokenInPathFix:
                "戻り先アドレスにクエリがない場合は、プロバイダーがトークンを ? で付け加えるようにしてください。できない場合は、プロバイダーに登録する戻り先アドレスの末尾に疑問符を付けてください。",
            .wrongUnitTitle: "サインイントークンの時刻の単位が{unit}になっています",
            .wrongUnit:
                "サインイントークンの時刻「{claim}」の単位が{unit}になっています。トークンでは秒で数えるため、はるか未来の時刻になります。",
            .wrongUnitAdvice: "もう一度試しても解決しません。下のコードを管理者に伝えてください。",
            .wrongUnitFix: "プロバイダーが 1970 年からの秒数を整数で送るようにしてください。",
            .wrongUnitFixByScript:
                "プロバイダーが時刻を 1000 で割るようにしてください。JavaScript では Math.floor(Date.now() / 1000) です。",
            .milliseconds: "ミリ秒", .microseconds: "マイクロ秒", .nanoseconds: "ナノ秒",
            .fieldMissing: "フィールド {field} がありません。",
            .fieldMissingInClaims: "フィールド {field} がありません（クレーム: {claims}）。",
            .emailUnverified: "email_verified が true ではないため、クレーム email は使われません (token.acceptUnverifiedEmail)。",
            .fieldNotText: "フィールド {field} が、文字列でも文字列のリストでもありません。",
            .fieldValueCount: "フィールド {field} の値が {count} 個あります。受け付けられるのは {limit} 個までです。",
            .fieldSingleValue: "フィールド {field} の値が {count} 個あります。受け付けられるのは 1 個です。",
            .fieldValueLength: "フィールド {field} に {count} バイトの値があります。受け付けられるのは {limit} バイトまでです。",
            .fieldControlCharacter: "フィールド {field} に制御文字があります。",
            .fieldBlankEnd: "フィールド {field} の先頭または末尾に空白があります。",
            .fieldWithoutSingleAt: "フィールド {field} に @ がちょうど 1 つ含まれていません。",
            .fieldNotPlainEmail: "フィールド {field} が、1 つの通常のメールアドレスではありません。",
            .fieldTotal: "フィールド {field} を加えると、全フィールドの合計が {count} バイトになります。受け付けられるのは {limit} バイトまでです。",
            .sessionTooLarge: "セッションが、上限である {limit} 個の Cookie に収まりません。最も大きいフィールドは {field} で、{count} バイトです。",
            .fieldAdvice: "もう一度試しても解決しません。アカウントの修正を管理者に依頼してください。",
            .returnedElsewhere:
                "ID プロバイダーから {actual} に戻されましたが、このサイトのアドレスは {expected} です。サインイン開始時の Cookie はそこにしかありません。",
            .providerErrorCode: "エラーコードは {code} です。",
            .providerSentNothing: "コードもエラーも送られてきませんでした。",
            .otherResponseMode: "応答は{actual}送られましたが、このサイトは{expected}受け取ります。",
            .responseInURL: "URL で",
            .responseInForm: "フォームで",
            .openIDStateFix:
                "OpenID Connect では、サインインはアプリケーションから始まります。ポータルのリンクは publicURL に向けてください。それ以外の場合は、別のホスト名、https ではなく http、または Cookie のブロックがないか確認してください。",
            .openIDResponseFix:
                "プロバイダーでクライアントに authorization code フローを許可してください。応答は identityProvider.responseMode のとおりに送られる必要があります。",
            .openIDTokenFix:
                "応答に同じパラメーターが 2 回あってはなりません。ID トークンは OpenID Connect Core 1.0 のとおり、sub、iat、exp を含み、署名され、暗号化されていない必要があります。",
            .openIDKeyFix: "ID トークンに署名した鍵は、プロバイダーの jwks_uri の鍵セットに含まれている必要があります。取得の失敗はログにあり、`sidegate doctor` で試せます。",
            .openIDIssuerFix: "identityProvider.issuer は、末尾のスラッシュまで含めて応答と ID トークンの \"iss\" と完全に一致しなければなりません。",
            .openIDAudienceFix: "identityProvider.clientID は、ID トークンの発行対象のクライアント (\"aud\"、\"azp\") でなければなりません。",
        ],
        statuses: [
            400: StatusWords(title: "リクエストを読み取れません", message: "ブラウザーまたは中継サーバーが、正しくない形式のリクエストを送りました。"),
            401: StatusWords(title: "サインインしてください", message: "このページは、サインインしている人にだけ表示されます。"),
            403: StatusWords(title: "許可されていません", message: "このページを表示することはできません。"),
            404: StatusWords(title: "ページが見つかりません", message: "このアドレスにページはありません。"),
            405: StatusWords(title: "許可されていないメソッドです", message: "このアドレスは、この種類のリクエストを受け付けません。"),
            408: StatusWords(title: "リクエストに時間がかかりすぎました", message: "ブラウザーが時間内にリクエストを完了しませんでした。もう一度お試しください。"),
            411: StatusWords(title: "リクエストに長さがありません", message: "このアドレスには、内容の長さの指定が必要です。"),
            413: StatusWords(title: "内容が大きすぎます", message: "内容が、このサイトで受け付けられる大きさを超えています。"),
            414: StatusWords(title: "アドレスが長すぎます", message: "このページのアドレスが、このサイトで受け付けられる長さを超えています。"),
            417: StatusWords(title: "要求に応えられません", message: "ブラウザーが、このサイトで対応していないことを求めています。"),
            421: StatusWords(title: "サーバーが違います", message: "このサーバーは、指定されたサイトを提供していません。"),
            429: StatusWords(title: "リクエストが多すぎます", message: "送られたリクエストが多すぎます。しばらくしてからもう一度お試しください。"),
            431: StatusWords(
                title: "リクエストが大きすぎます",
                message: "ブラウザーが、このサイトで受け付けられる数を超えるフィールドまたは Cookie を送りました。このサイトの Cookie を削除すると解決することがあります。"),
            500: StatusWords(title: "問題が発生しました", message: "このサイトのエラーのため、リクエストに失敗しました。もう一度お試しください。"),
            501: StatusWords(title: "対応していません", message: "このサイトは、この種類のリクエストに対応していません。"),
            502: StatusWords(title: "アプリケーションが応答しません", message: "このサイトには接続できましたが、その先のアプリケーションから正しい応答がありませんでした。"),
            503: StatusWords(title: "現在利用できません", message: "このサイトは起動中または停止中か、混雑しています。しばらくしてからもう一度お試しください。"),
            504: StatusWords(title: "アプリケーションの応答に時間がかかっています", message: "このサイトには接続できましたが、その先のアプリケーションが時間内に応答しませんでした。"),
            505: StatusWords(title: "対応していない HTTP のバージョンです", message: "ブラウザーが、このサイトで対応していないバージョンの HTTP を使いました。"),
        ],
        reasons: [
            .tokenMissing: ReasonText(
                title: "サインインの結果が空でした", happened: "ID プロバイダーから、サインイントークンなしで戻されました。", advice: startInJapanese,
                fix: "identityProvider.tokenParameter とプロバイダーが使うパラメーターを比べ、途中の何か（リダイレクトやキャッシュ）がクエリを切り落としていないか確認してください。"),
            .tokenTooLarge: ReasonText(
                title: "サインイントークンが大きすぎます", happened: "ID プロバイダーが、16 KiB を超えるサインイントークンを送りました。",
                advice: cannotHelpInJapanese, fix: "プロバイダーがトークンに入れるデータを減らしてください。よくある原因は、グループの長いリストです。"),
            .tokenMalformed: ReasonText(
                title: "サインイントークンが壊れています", happened: "ID プロバイダーが、正しくない形式のサインイントークン、または複数のトークンを送りました。",
                advice: againInJapanese,
                fix:
                    "トークンは Compact 形式の JWS、つまりパディングのない base64url の 3 つの部分をドットで区切ったもので、1 回だけ指定する必要があります。壊れている場所は `sidegate explain` でわかります。プロバイダーがパディングを付けたり、URL を二重にエンコードしたりすることがよくあります。"
            ),
            .headerMalformed: ReasonText(
                title: "サインイントークンが壊れています", happened: "サインイントークンの最初の部分であるヘッダーを読み取れません。", advice: againInJapanese,
                fix:
                    "ヘッダーは、\"alg\" を含み、名前の重複がない UTF-8 の JSON オブジェクトでなければなりません。名前の表記が異なるプロバイダーには、token.headerAliases を設定してください。"
            ),
            .claimsMalformed: ReasonText(
                title: "サインイントークンが壊れています", happened: "サインイントークンの 2 番目の部分である、あなたについての情報を読み取れません。",
                advice: againInJapanese,
                fix: "クレームは、名前の重複がない UTF-8 の JSON オブジェクトで、時刻は文字列ではなく数値でなければなりません。ログアウトトークンでサインインすることはできません。"),
            .algorithmNotAllowed: ReasonText(
                title: "サインイントークンの署名方法が想定と異なります", happened: "サインイントークンが、このサイトで受け付けない署名アルゴリズムを使っています。",
                advice: cannotHelpInJapanese,
                fix: "プロバイダーが token.algorithms のいずれかで署名するようにするか、受け付けてよい場合はそのアルゴリズムを追加してください。"),
            .algorithmMissing: ReasonText(
                title: "サインイントークンに署名方法が書かれていません", happened: "サインイントークンに署名アルゴリズムの名前がありません。",
                advice: cannotHelpInJapanese,
                fix: "トークンのヘッダーには \"alg\" が必要です。表記が異なるプロバイダーには、token.headerAliases を設定してください。"),
            .criticalHeaderUnsupported: ReasonText(
                title: "サインイントークンが未知の拡張を必要としています", happened: "サインイントークンが、このサイトで対応していない拡張（「crit」）を必要としています。",
                advice: cannotHelpInJapanese, fix: "プロバイダーでその拡張を無効にしてください。クリティカルヘッダーには対応していません。"),
            .keyNotFound: ReasonText(
                title: "サインイントークンを検証できません", happened: "サインイントークンの署名に使われた鍵に対応する鍵が、このサイトにありません。", advice: againInJapanese,
                fix: "トークンの \"kid\" と \"alg\" を token.keys と比べてください。プロバイダーが鍵を変更した場合は、鍵ファイルまたは鍵セットを更新してください。"),
            .signatureInvalid: ReasonText(
                title: "サインイントークンが本物ではありません", happened: "サインイントークンの署名が一致しません。", advice: againInJapanese,
                fix: "双方が同じシークレット（または対応する鍵ペア）を持つ必要があります。token.keys について、secretEncoding、余分な空白や改行、環境（テスト用か本番用か）を確認してください。"
            ),
            .expired: ReasonText(
                title: "このサインインは期限切れです", happened: "サインイントークンの有効期間は短く、期限が切れました。",
                advice: "もう一度お試しください。よくある原因は、長く開いたままのページや古いリンクです。",
                fix: "すぐに起こる場合は、このマシンとプロバイダーの時計を比べてください。小さなずれは token.clockSkew で許容できます。"),
            .notYetValid: ReasonText(
                title: "このサインインはまだ有効ではありません", happened: "サインイントークンがまだ有効になっていません。", advice: "1 分ほど待ってからもう一度お試しください。",
                fix: "このマシンの時計がプロバイダーの時計より遅れています (\"nbf\")。両方を同期するか、token.clockSkew を大きくしてください。"),
            .issuedInFuture: ReasonText(
                title: "このサインインの発行時刻が未来になっています", happened: "このサイトの時計では、サインイントークンは未来に発行されたことになっています。",
                advice: "1 分ほど待ってからもう一度お試しください。",
                fix: "このマシンの時計がプロバイダーの時計より遅れています (\"iat\")。両方を同期するか、token.clockSkew を大きくしてください。"),
            .tooOld: ReasonText(
                title: "このサインインは古すぎます", happened: "サインイントークンは、このサイトで受け付けられるより前に発行されました。",
                advice: "表示したかったページから、もう一度お試しください。",
                fix: "token.maxAge は \"iat\" から数えます。時計を比べるか、プロバイダーのリダイレクトが遅い場合は値を大きくしてください。"),
            .expiryMissing: ReasonText(
                title: "サインイントークンに有効期限がありません", happened: "サインイントークンに有効期限が書かれていませんが、このサイトでは必要です。",
                advice: cannotHelpInJapanese,
                fix: "プロバイダーが \"exp\" を付けるようにするか、token.requireExpiry を false にして token.maxAge に任せてください。"),
            .issuedAtMissing: ReasonText(
                title: "サインイントークンに発行時刻がありません", happened: "サインイントークンに、いつ発行されたかが書かれていません。", advice: cannotHelpInJapanese,
                fix: "\"exp\" がない場合、トークンには \"iat\" が必要です。表記が異なるプロバイダーには、token.claimAliases を設定してください。"),
            .issuerMismatch: ReasonText(
                title: "サインインの発行元が異なります", happened: "サインイントークンの発行元が、このサイトの信頼する ID プロバイダーではありません。",
                advice: cannotHelpInJapanese, fix: "token.issuer は、末尾のスラッシュまで含めてトークンの \"iss\" と完全に一致しなければなりません。"),
            .audienceMismatch: ReasonText(
                title: "別のサイトのためのサインインです", happened: "サインイントークンは、別のアプリケーションのために発行されました。", advice: startInJapanese,
                fix: "トークンの \"aud\" を token.audience に加えてください。このリストが空の間は、オーディエンスを指定したトークンは拒否されます。"),
            .idMissing: ReasonText(
                title: "サインイントークンに ID がありません", happened: "このサイトに必要な一意の ID が、サインイントークンにありません。",
                advice: cannotHelpInJapanese, fix: "プロバイダーが \"jti\" を付けるようにするか、token.minimumIDLength を 0 にしてください。"),
            .idTooShort: ReasonText(
                title: "サインイントークンの ID が短すぎます", happened: "サインイントークンの一意の ID が、このサイトに必要な長さに足りません。",
                advice: cannotHelpInJapanese, fix: "プロバイダーがより長い \"jti\" を使うようにするか、token.minimumIDLength を小さくしてください。"),
            .replayed: ReasonText(
                title: "このサインインは使用済みです", happened: "サインイントークンは 1 回だけ使えますが、これはすでに使われています。",
                advice: "もう一度お試しください。よくある原因は、ブラウザーで前に戻ることや再読み込みです。",
                fix: "多くの人に同時に起こる場合は、途中の何か（リンクの検査やプロキシ）がブラウザーより先に戻り先の URL を開いています。"),
            .replayStoreUnavailable: ReasonText(
                title: "現在サインインできません", happened: "サインイントークンが使用済みかどうかを確認できなかったため、このサイトはどのトークンも受け付けていません。",
                advice: "1 分ほどしてからもう一度お試しください。", fix: "共有ストアに接続できません。その場合の動作は replay.onFailure で決まります。"),
            .replayStoreFull: ReasonText(
                title: "現在サインインが集中しています", happened: "サインイントークンが使われたことを記録する空きがないため、このサイトはどのトークンも受け付けていません。",
                advice: "数分してからもう一度お試しください。",
                fix:
                    "使用済みトークンのメモリがいっぱいです (replay.maxEntries)。値を大きくするか、トークンの有効期間 (\"exp\"、token.maxAge) を短くするか、replay.store を redis にしてください。"
            ),
            .fieldMissing: ReasonText(
                title: "アカウントの情報が足りません", happened: "このサイトに必要なアカウントの情報が、ID プロバイダーから送られてきませんでした。",
                advice: "メールアドレスなど、アカウントの情報の追加を管理者に依頼してください。",
                fix: "token.required のどのフィールドも、token.claims にあるクレームのいずれかから得られる必要があります。"),
            .fieldInvalid: ReasonText(
                title: "アカウントの情報が正しくありません", happened: "アカウントの情報に、このサイトで受け付けられない値が含まれています。",
                advice: "メールアドレスなど、アカウントの情報の確認を管理者に依頼してください。",
                fix:
                    "メールアドレスに含まれる @ はちょうど 1 つです。どのフィールドにも制御文字は使えません。1 つのフィールドには 1024 バイトの値を 512 個まで（メールアドレスは 320 バイト）、全フィールドの合計は 10 KiB までです。"
            ),
            .userNotRegistered: ReasonText(
                title: "アカウントがここに登録されていません", happened: "サインインはできましたが、このサイトにはあなたのアカウントがありません。",
                advice: "別のアカウントを使うか、このアカウントの登録を管理者に依頼してください。",
                fix: "アドレスを access.users に加えてください（emails、emailsFile、emailDomains、または groups）。"),
            .siteNotGranted: ReasonText(
                title: "このサイトへのアクセス権がありません", happened: "サインインはできましたが、あなたのアカウントにはこのサイトが許可されていません。",
                advice: accessInJapanese, fix: "トークンのサイト (sites) に access.site が含まれている必要があります。"),
            .guestRefused: ReasonText(
                title: "ゲストはアクセスできません", happened: "アカウントがここに登録されておらず、このサインインではゲストとしてのアクセスも許可されていません。",
                advice: "別のアカウントを使うか、このアカウントの登録を管理者に依頼してください。",
                fix: "トークンの \"guest\" が false で、access.users にアカウントがありません。登録するか、プロバイダーが guest を true で送るようにしてください。"),
            .groupMissing: ReasonText(
                title: "別のグループのためのページです", happened: "サインインはできましたが、あなたのアカウントは、このページを表示できるグループに入っていません。",
                advice: "別のアカウントを使うか、グループへの追加を管理者に依頼してください。",
                fix:
                    "access.users.groups の設定、または access.rules のルールがグループを必要としています。トークンにあるグループは `sidegate explain` で確認できます。"
            ),
            .ruleDenied: ReasonText(
                title: "このページは表示できません", happened: "このサイトのルールでは、あなたのアカウントにこのページが許可されていません。", advice: accessInJapanese,
                fix: "access.rules のルールがこのパスを拒否しているか、アカウントにないフィールドを必要としています。"),
            .providerNotAllowed: ReasonText(
                title: "ここでは別のサインインが必要です", happened: "このページは、サインインに使った ID プロバイダーのアカウントのためのものではありません。",
                advice: "別の方法でサインインするか、アクセス権を管理者に依頼してください。",
                fix: "access.rules のルールが別のプロバイダーを指定しているか、identityProviders の hosts により、このホストではこのプロバイダーを使えません。"),
            .identityHeadTooLarge: ReasonText(
                title: "アカウントの情報が多すぎます", happened: "このサイトがアプリケーションに伝えるアカウントの情報が、アプリケーションの受け付ける量を超えています。",
                advice: "アカウントのグループの数を減らすよう管理者に依頼してください。",
                fix:
                    "ID ヘッダーが upstream.headerBytes を超えています。プロバイダーが送るグループを減らすか、identityHeaders からヘッダーを外すか、アプリケーションが対応している場合は上限を上げてください。"
            ),
            .seatLimitReached: ReasonText(
                title: "空きがありません", happened: "このアプリケーションの利用枠がすべて埋まっているため、アカウントを追加できません。",
                advice: "枠を空けるか増やすよう管理者に依頼してから、もう一度お試しください。",
                fix: "provisioning.url へのリクエストに、アプリケーションが 402、403、または 409 で応答しました。"),
            .provisioningFailed: ReasonText(
                title: "アカウントを準備できませんでした", happened: "アプリケーションでアカウントを確認できなかったため、サインインは完了していません。",
                advice: "1 分ほどしてからもう一度お試しください。", fix: "provisioning.url から成功の応答がありませんでした。応答はログにあります。"),
            .loginStateMissing: ReasonText(
                title: "このサインインはここで始まったものではありません", happened: "ブラウザーがこのサインインをここで始めていないか、開始時の Cookie が失われました。",
                advice: "表示したかったページから始め直し、このサイトの Cookie を許可してください。",
                fix:
                    "プロバイダーから始まるサインインの扱いは identityProvider.initiated で決まります。それ以外の場合は、別のホスト名、https ではなく http、または Cookie のブロックがないか確認してください。"
            ),
            .loginStateExpired: ReasonText(
                title: "サインインに時間がかかりすぎました", happened: "サインインの開始から終了までに 10 分以上かかりました。", advice: "もう一度お試しください。",
                fix: "すぐに起こるのでなければ、対処は不要です。すぐに起こる場合は、レプリカのセッションシークレットが異なるか、時計の時刻が急に変わっています。"),
            .returnURLRefused: ReasonText(
                title: "このサイトのアドレスではありません", happened: "指定された戻り先のアドレスが、このサイトの外にあります。", advice: startInJapanese,
                fix: "return_to は、このサイトのパス、またはこのホストか session.domain の下の URL でなければなりません。"),
            .returnPathMismatch: ReasonText(
                title: "サインイン後に正しくないアドレスへ戻されました", happened: "ID プロバイダーから、サインインを受け付けていないこのサイトのアドレスに戻されました。",
                advice: cannotHelpInJapanese,
                fix:
                    "プロバイダーの戻り先アドレス（リダイレクト URL、SSO URL、ACS URL）をこのサイトの identityProvider.returnPath に合わせるか、この設定をプロバイダーに合わせてください。末尾のスラッシュまで一致する必要があります。"
            ),
            .providerError: ReasonText(
                title: "ID プロバイダーでサインインできませんでした", happened: "ID プロバイダーから、サインインの代わりにエラーで戻されました。",
                advice: "もう一度お試しください。ご自身でサインインを取り消した場合は、問題ありません。",
                fix:
                    "プロバイダーのエラーコードはログにあります。ユーザーが拒否したか、このクライアントを使えないか、プロバイダーでのクライアントの設定が合っていません。スコープ、応答の種類、リダイレクト URI を比べてください。"
            ),
            .providerUnavailable: ReasonText(
                title: "現在サインインできません", happened: "このサイトは現在、ID プロバイダーに接続できません。",
                advice: "1 分ほど待ってからもう一度お試しください。サインイン済みの方に影響はありません。",
                fix: "プロバイダーのディスカバリー文書またはエンドポイントを、ここから取得できません。理由はログにあります。`sidegate doctor` で試すことができます。"),
            .codeExchangeFailed: ReasonText(
                title: "サインインを完了できませんでした", happened: "戻るときに渡されたコードを、ID プロバイダーが受け付けませんでした。", advice: againInJapanese,
                fix:
                    "プロバイダーのエラーコードはログにあります。invalid_client の場合は identityProvider.clientID、シークレット、clientAuthentication を比べてください。invalid_grant の場合は、コードが使用済みか、古すぎるか、別のリダイレクト URI のために発行されています。"
            ),
            .nonceMismatch: ReasonText(
                title: "サインインが別の試行のものです", happened: "ID プロバイダーが、別の試行のために発行したサインインを返しました。", advice: startInJapanese,
                fix: "ID トークンには、リクエストの nonce がそのまま含まれている必要があります。何度も起こる場合は、誰かが他の人のサインインを再利用している可能性があります。"),
            .sessionExpired: ReasonText(
                title: "セッションが終了しました", happened: "セッションが、このサイトの最長時間に達しました。", advice: "もう一度サインインしてください。",
                fix: "この時間は session.lifetime で決まります。"),
            .sessionIdle: ReasonText(
                title: "セッションが終了しました", happened: "しばらく操作がなかったため、サインアウトしました。", advice: "もう一度サインインしてください。",
                fix: "この時間は session.idleTimeout で決まります。"),
            .sessionRevoked: ReasonText(
                title: "サインアウトされました", happened: "別の場所でのサインアウト、または管理者により、セッションが終了しました。", advice: "もう一度サインインしてください。",
                fix: "プロバイダーがバックチャネルログアウトを送ったか、セッションがストアから削除されました。"),
            .sessionInvalid: ReasonText(
                title: "セッションがここでは有効ではありません", happened: "ブラウザーのセッション Cookie を開けませんでした。", advice: "もう一度サインインしてください。",
                fix: "古いシークレットを session.secrets に残さずに変更したか、レプリカのシークレットが異なるか、Cookie が改ざんされています。"),
            .identityHeaderSpoofed: ReasonText(
                title: "このリクエストはブロックされました", happened: "リクエストに、アプリケーションがあなたの身元と取り違えるおそれのあるヘッダーがありました。",
                advice: "ブラウザーはこのようなヘッダーを送りません。拡張機能やスクリプトが追加している場合は、無効にしてください。",
                fix:
                    "X_Forwarded_User のように、ID ヘッダーを別の表記にした名前のヘッダーが、プロキシからの認可リクエストに付いていました。プロキシでそのような名前を取り除き、プロキシのログでクライアントを調べてください。"
            ),
            .pathUnreadable: ReasonText(
                title: "アドレスを読み取れません", happened: "このページのアドレスがあいまいなため、リクエストは転送されませんでした。",
                advice: "アドレスを確認するか、トップページから始めてください。リンクから来た場合は、管理者に知らせてください。",
                fix:
                    "パスに「.」または「..」のセグメントがあるか、2 つのスラッシュ（エンコードされたものを含む）で始まるか、サーバーによって読み方の異なるエンコードが含まれています。クライアントは解決済みのパスを送る必要があります。何が問題かは `sidegate explain --request PATH` でわかります。"
            ),
            .crossSiteRequest: ReasonText(
                title: "このリクエストはブロックされました", happened: "別のサイトのページが、あなたのセッションでこのリクエストを送った可能性があるため、転送されませんでした。",
                advice: "このサイトでページを開き、そこからもう一度お試しください。",
                fix:
                    "session.partitioned を使う場合、何かを変更するリクエストと WebSocket は、Sec-Fetch-Site または Origin により、このサイトのページからのものでなければなりません。手前のプロキシは両方のフィールドを通す必要があります。他のサイトのプログラムには Bearer トークンが必要です。"
            ),
        ])

    private static let againInJapanese = "もう一度お試しください。解決しない場合は、下のコードを管理者に伝えてください。"
    private static let cannotHelpInJapanese = "もう一度試しても解決しない可能性が高いです。下のコードを管理者に伝えてください。"
    private static let startInJapanese = "表示したかったページから、もう一度始めてください。"
    private static let accessInJapanese = "別のアカウントを使うか、アクセス権を管理者に依頼してください。"
}
