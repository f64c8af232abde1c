// SPDX-License-Identifier: Apache-2.0

import Decisions

extension Catalogue {
    static let turkish = Catalogue(
        phrases: [
            .continueLabel: "Devam", .codeLabel: "Kod", .statusLabel: "Durum", .requestIDLabel: "İstek kimliği",
            .timeLabel: "Zaman", .signedInAsLabel: "Oturum açan hesap", .accountLabel: "Hesap",
            .switchAccountLabel: "Başka hesap kullan", .tryAgainLabel: "Yeniden dene", .fixLabel: "Yönetici için",

            .redirectingTitle: "Lütfen bekleyin",
            .redirecting: "Yönlendiriliyorsunuz. Bir şey olmazsa bağlantıyı kullanın.",
            .chooseTitle: "Oturum aç",
            .choose: "Nasıl oturum açmak istediğinizi seçin.",
            .signedOutTitle: "Oturumunuz kapatıldı",
            .signedOut: "Buradaki oturumunuz sona erdi. Bu sayfayı kapatabilirsiniz.",
            .signedOutAdvice: "Ortak kullanılan bir cihazda kimlik sağlayıcınızda da oturumu kapatın.",
            .signInAgainLabel: "Yeniden oturum aç",
            .confirmSignInTitle: "Bu siz misiniz?",
            .confirmSignIn: "Bu hesapla oturum açma işlemi bu sayfadan değil, başka bir yerden başlatıldı.",
            .confirmSignInAdvice: "Yalnızca işlemi siz başlattıysanız ve hesap sizinse devam edin.",
            .confirmSignInLabel: "Evet, oturum aç",
            .cancelSignInLabel: "Hayır, ben değilim",
            .returnedElsewhereTitle: "Oturum açma sonrasında başka bir adrese yönlendirildiniz",
            .confirmSignOutTitle: "Oturum kapatılsın mı?",
            .confirmSignOut: "Buradaki oturumunuz sona erecek. Kaydedilmemiş çalışmalar kaybolabilir.",
            .confirmSignOutLabel: "Oturumu kapat",
            .cancelSignOutLabel: "Oturum açık kalsın",
            .loginLoopTitle: "Oturum açma sürekli yineleniyor",
            .loginLoop:
                "Birkaç saniye içinde birkaç kez oturum açıldı, ancak oturum her seferinde kayboldu. Olası nedenler:",
            .loopByCookies:
                "Tarayıcınız bu sitenin çerezlerini engelliyor. Özel pencerelerde de çerezlere izin verin.",
            .loopByScheme:
                "Adres http:// ile başlıyor, site ise https:// bekliyor; bu yüzden tarayıcı sitenin güvenli çerezini atıyor.",
            .loopByHost: "Siteye birden fazla ana bilgisayar adıyla ulaşılıyor ve çerez başka birine ait.",
            .loopByClock: "Bu cihazın veya sunucunun saati yanlış.",
            .loopBySecrets: "Bu sitenin sunucuları farklı oturum gizli anahtarları kullanıyor.",
            .upstreamDownAdvice: "Lütfen birazdan yeniden deneyin.",

            .sessionEndedTitle: "Oturumunuz sona erdi",
            .notSignedInTitle: "Oturum açmadınız",
            .formKept:
                "Girdiğiniz bilgiler henüz gönderilmedi; bu sayfada saklanıyor. Başka bir sekmede oturum açın, sonra buraya dönüp gönderin.",
            .formKeptAdvice: "O zamana kadar bu sayfayı açık tutun.",
            .signedInBeforeLabel: "Şimdiye kadar oturum açan hesap",
            .signInLabel: "Oturum aç",
            .sendFormLabel: "Gönder",
            .formOfOtherTitle: "Başka bir hesapla gönderilsin mi?",
            .formOfOther:
                "Bu form bir hesapla dolduruldu, siz ise başka bir hesapla oturum açtınız. Form henüz gönderilmedi.",
            .filledInLabel: "Dolduran hesap",
            .signedInNowLabel: "Şu anda oturum açan hesap",
            .sendFormAsLabel: "{account} olarak gönder",
            .formLost: "Girdiğiniz bilgiler gönderilmedi.",
            .formLostAdvice:
                "Başka bir sekmede oturum açın, sonra bu sekmede geri gidin: tarayıcıların çoğu girdiklerinizi orada hâlâ gösterir.",
            .formLostOff: "Bu site formları saklamaz.",
            .formLostOtherSite: "Bu sitenin bir sayfasından gelmediği için saklanamadı.",
            .formLostType: "Olağan bir form olmadığı için saklanamadı.",
            .formLostFiles: "Dosya içerdiği için saklanamadı.",
            .formLostSize: "Çok büyük olduğu için saklanamadı.",
            .formLostCount: "Çok fazla alan içerdiği için saklanamadı.",
            .formLostRoom: "Sunucu meşgul olduğu için saklanamadı.",
            .formLostUnsendable: "Tarayıcınız onu değiştirmeden yeniden gönderemeyeceği için saklanamadı.",
            .formLostAddress: "Formun adresi çok uzun olduğu için saklanamadı.",
            .signedInTitle: "Oturum açtınız",
            .signedInForForm: "Diğer sekmeye dönüp formunuzu gönderin. Bu sekmeyi kapatabilirsiniz.",
            .notSignedInForForm: "Oturum açın, sonra diğer sekmeye dönüp formunuzu gönderin.",
            .frameTitle: "Lütfen oturum açın",
            .frame: "Sayfanın bu bölümü için oturum açmanız gerekir; bu yalnızca tam pencerede yapılabilir.",
            .frameAdvice: "Düğme bir şey yapmıyorsa bu siteyi ayrı bir sekmede açın.",
            .leaving: "Oturum açma sayfasına yönlendiriliyorsunuz. Bir şey olmazsa düğmeyi kullanın.",
            .arriving: "Sayfanıza yönlendiriliyorsunuz. Bir şey olmazsa düğmeyi kullanın.",
            .linkTooLong: "Görmek istediğiniz sayfanın adresi, oturum açılırken saklanamayacak kadar uzun.",
            .linkTooLongAdvice:
                "Bağlantıyı yeniden açın: artık sayfa açılır. Ya da ana sayfaya gidin.",

            .otherRefusalTitle: "İstek reddedildi",
            .otherRefusal: "İstek işlenemedi.",
            .otherFailureTitle: "Bir sorun oluştu",
            .otherFailure: "İstek işlenemedi. Lütfen yeniden deneyin.",
            .otherReasonTitle: "Oturum açılamadı",
            .otherReason: "Oturum açma işlemi tamamlanamadı.",
            .otherReasonAdvice:
                "Lütfen yeniden deneyin. Sorun sürerse kodu ve istek kimliğini yöneticinize iletin.",
            .otherReasonFix: "Günlükte istek kimliğini arayın.",

            .returnPathMismatch: "Sizi {path} adresine gönderdi; oturum açma {expected} adresinde kabul edilir.",
            .or: "veya",
            .tokenInPath:
                "Belirtecini, sorgusu olmayan {path} adresine & ile ekledi; bu yüzden belirteç yolun parçası oldu. Oturum açma {expected} adresinde kabul edilir.",
            .tokenInPathFix:
                "Dönüş adresinde sorgu yoksa sağlayıcı belirteci ? ile eklemelidir. Bunu yapamıyorsa dönüş adresini oraya sonunda soru işaretiyle girin.",
            .wrongUnitTitle: "Oturum açma belirteci zamanı {unit} cinsinden veriyor",
            .wrongUnit:
                "Oturum açma belirtecindeki “{claim}” zamanı {unit} cinsinden verilmiş, oysa belirteçlerde zaman saniye cinsindendir; bu yüzden çok uzak bir geleceğe denk geliyor.",
            .wrongUnitAdvice: "Yeniden denemek işe yaramaz. Aşağıdaki kodu yöneticinize bildirin.",
            .wrongUnitFix: "Sağlayıcı 1970’ten bu yana geçen tam saniyeleri göndermelidir.",
            .wrongUnitFixByScript:
                "Sağlayıcı zamanlarını 1000’e bölmelidir; JavaScript’te: Math.floor(Date.now() / 1000).",
            .milliseconds: "milisaniye", .microseconds: "mikrosaniye", .nanoseconds: "nanosaniye",
            .fieldMissing: "{field} alanı eksik.",
            .fieldMissingInClaims: "{field} alanı eksik (talepler: {claims}).",
            .emailUnverified:
                "email_verified değeri true olmadığı için email talebi dikkate alınmaz (token.acceptUnverifiedEmail).",
            .fieldNotText: "{field} alanı ne bir metin ne de bir metin listesi.",
            .fieldValueCount: "{field} alanının {count} değeri var; en çok {limit} kabul edilir.",
            .fieldSingleValue: "{field} alanının {count} değeri var; bir değer kabul edilir.",
            .fieldValueLength: "{field} alanında {count} baytlık bir değer var; en çok {limit} kabul edilir.",
            .fieldControlCharacter: "{field} alanında bir denetim karakteri var.",
            .fieldBlankEnd: "{field} alanının başında veya sonunda boşluk var.",
            .fieldWithoutSingleAt: "{field} alanında tam olarak bir @ yok.",
            .fieldNotPlainEmail: "{field} alanı tek ve yalın bir e-posta adresi değil.",
            .fieldTotal: "{field} alanıyla birlikte tüm alanlar {count} bayt oluyor; en çok {limit} kabul edilir.",
            .sessionTooLarge:
                "Oturum, sahip olabileceği {limit} çereze sığmıyor; en büyük alanı {count} baytla {field}.",
            .fieldAdvice: "Yeniden denemek işe yaramaz. Yöneticinizden hesabınızı düzeltmesini isteyin.",
            .returnedElsewhere:
                "Kimlik sağlayıcı sizi {actual} adresine geri gönderdi, ancak bu sitenin adresi {expected}; oturum açmanın başında oluşturulan çerez yalnızca orada var.",
            .providerErrorCode: "Hata kodu: {code}.",
            .providerSentNothing: "Ne bir kod ne de bir hata gönderdi.",
            .otherResponseMode: "Yanıtını {actual} gönderdi; bu site onu {expected} kabul eder.",
            .responseInURL: "URL içinde",
            .responseInForm: "bir form içinde",
            .openIDStateFix:
                "OpenID Connect ile oturum açma uygulamada başlar: portallardaki bağlantılar publicURL adresine götürmelidir. Değilse başka bir ana bilgisayar adı, https yerine http veya engellenmiş çerez olup olmadığına bakın.",
            .openIDResponseFix:
                "Sağlayıcıda istemciye authorization code akışına izin verin. Yanıt, identityProvider.responseMode ayarında belirtildiği gibi gelmelidir.",
            .openIDTokenFix:
                "Yanıtta hiçbir parametre iki kez bulunmamalı; kimlik belirteci, OpenID Connect Core 1.0 gereği sub, iat ve exp içermeli, imzalı ve şifrelenmemiş olmalıdır.",
            .openIDKeyFix:
                "Kimlik belirtecini imzalayan anahtar, sağlayıcının jwks_uri anahtar kümesinde bulunmalıdır. Başarısız indirmeler günlüktedir; `sidegate doctor` bir deneme yapar.",
            .openIDIssuerFix:
                "identityProvider.issuer, son eğik çizgiye kadar yanıttaki ve kimlik belirtecindeki \"iss\" değeriyle aynı olmalıdır.",
            .openIDAudienceFix:
                "identityProvider.clientID, kimlik belirtecinin düzenlendiği istemci olmalıdır (\"aud\", \"azp\").",
        ],
        statuses: [
            400: StatusWords(
                title: "İstek okunamıyor", message: "Tarayıcınız veya bir aracı, hatalı biçimde bir istek gönderdi."),
            401: StatusWords(
                title: "Lütfen oturum açın", message: "Bu sayfa yalnızca oturum açmış kişilere gösterilir."),
            403: StatusWords(title: "İzin verilmiyor", message: "Bu sayfayı göremezsiniz."),
            404: StatusWords(title: "Sayfa bulunamadı", message: "Bu adreste bir sayfa yok."),
            405: StatusWords(title: "Yönteme izin verilmiyor", message: "Bu adres bu tür istekleri kabul etmiyor."),
            408: StatusWords(
                title: "İstek çok uzun sürdü",
                message: "Tarayıcınız isteğini zamanında tamamlamadı. Lütfen yeniden deneyin."),
            411: StatusWords(
                title: "İsteğin uzunluğu belirtilmemiş", message: "Bu adres içeriğin uzunluğunu gerektirir."),
            413: StatusWords(title: "İçerik çok büyük", message: "İçerik, bu sitenin kabul ettiğinden büyük."),
            414: StatusWords(title: "Adres çok uzun", message: "Bu sayfanın adresi, bu sitenin kabul ettiğinden uzun."),
            417: StatusWords(
                title: "Beklenti karşılanamıyor", message: "Tarayıcınız bu sitenin desteklemediği bir şey bekliyor."),
            421: StatusWords(title: "Yanlış sunucu", message: "Bu sunucu istenen siteyi sunmuyor."),
            429: StatusWords(
                title: "Çok fazla istek", message: "Çok fazla istek gönderdiniz. Lütfen birazdan yeniden deneyin."),
            431: StatusWords(
                title: "İstek çok büyük",
                message:
                    "Tarayıcınız bu sitenin kabul ettiğinden fazla alan veya çerez gönderdi. Bu sitenin çerezlerini silmek yardımcı olabilir."
            ),
            500: StatusWords(
                title: "Bir sorun oluştu",
                message: "İstek, bu sitedeki bir hata yüzünden başarısız oldu. Lütfen yeniden deneyin."),
            501: StatusWords(title: "Desteklenmiyor", message: "Bu site bu tür istekleri desteklemiyor."),
            502: StatusWords(
                title: "Uygulama yanıt vermiyor",
                message: "Bu siteye ulaştınız, ancak arkasındaki uygulama geçerli bir yanıt vermedi."),
            503: StatusWords(
                title: "Şu anda kullanılamıyor",
                message: "Bu site başlatılıyor, durduruluyor veya aşırı yüklü. Lütfen birazdan yeniden deneyin."),
            504: StatusWords(
                title: "Uygulamanın yanıtı çok uzun sürüyor",
                message: "Bu siteye ulaştınız, ancak arkasındaki uygulama zamanında yanıt vermedi."),
            505: StatusWords(
                title: "Desteklenmeyen HTTP sürümü",
                message: "Tarayıcınız bu sitenin desteklemediği bir HTTP sürümü kullandı."),
        ],
        reasons: [
            .tokenMissing: ReasonText(
                title: "Oturum açma belirteci alınmadı",
                happened: "Kimlik sağlayıcı sizi oturum açma belirteci olmadan geri gönderdi.", advice: startInTurkish,
                fix:
                    "identityProvider.tokenParameter ile sağlayıcının kullandığı parametreyi karşılaştırın ve yoldaki bir şeyin (bir yönlendirme, bir önbellek) sorguyu kesmediğinden emin olun."
            ),
            .tokenTooLarge: ReasonText(
                title: "Oturum açma belirteci çok büyük",
                happened: "Kimlik sağlayıcı 16 KiB’den büyük bir oturum açma belirteci gönderdi.",
                advice: cannotHelpInTurkish,
                fix: "Sağlayıcı belirtece daha az veri koymalıdır; olağan neden uzun grup listeleridir."),
            .tokenMalformed: ReasonText(
                title: "Oturum açma belirteci bozuk",
                happened:
                    "Kimlik sağlayıcı hatalı biçimde bir oturum açma belirteci veya birden fazla belirteç gönderdi.",
                advice: againInTurkish,
                fix:
                    "Belirteç sıkıştırılmış bir JWS olmalıdır: aralarında nokta bulunan, dolgusuz base64url biçiminde üç bölüm, bir kez verilmiş. `sidegate explain` nerede bozulduğunu gösterir; sağlayıcı çoğu zaman dolgu ekler veya URL’yi iki kez kodlar."
            ),
            .headerMalformed: ReasonText(
                title: "Oturum açma belirteci bozuk",
                happened: "Oturum açma belirtecinin ilk bölümü olan başlığı okunamıyor.", advice: againInTurkish,
                fix:
                    "Başlık, \"alg\" içeren ve yinelenen adı olmayan UTF-8 bir JSON nesnesi olmalıdır. Adları farklı yazan sağlayıcılar için token.headerAliases ayarını kullanın."
            ),
            .claimsMalformed: ReasonText(
                title: "Oturum açma belirteci bozuk",
                happened: "Oturum açma belirtecinin ikinci bölümü olan sizinle ilgili bilgiler okunamıyor.",
                advice: againInTurkish,
                fix:
                    "Talepler (claims), yinelenen adı olmayan UTF-8 bir JSON nesnesi olmalı, zamanlar da metin değil sayı olmalıdır. Oturum kapatma belirteciyle oturum açılamaz."
            ),
            .algorithmNotAllowed: ReasonText(
                title: "Oturum açma belirteci beklenmeyen biçimde imzalanmış",
                happened: "Oturum açma belirteci, bu sitenin kabul etmediği bir imza algoritması kullanıyor.",
                advice: cannotHelpInTurkish,
                fix:
                    "Sağlayıcı token.algorithms içindekilerden biriyle imzalamalıdır; ya da kabul etmek istiyorsanız algoritmasını oraya ekleyin."
            ),
            .algorithmMissing: ReasonText(
                title: "Oturum açma belirteci nasıl imzalandığını belirtmiyor",
                happened: "Oturum açma belirtecinde imza algoritması yok.", advice: cannotHelpInTurkish,
                fix:
                    "Belirtecin başlığı \"alg\" içermelidir. Bunu farklı yazan sağlayıcılar için token.headerAliases ayarını kullanın."
            ),
            .criticalHeaderUnsupported: ReasonText(
                title: "Oturum açma belirteci bilinmeyen bir uzantı gerektiriyor",
                happened: "Oturum açma belirteci, bu sitenin desteklemediği bir uzantı (“crit”) gerektiriyor.",
                advice: cannotHelpInTurkish, fix: "Uzantıyı sağlayıcıda kapatın; hiçbir kritik başlık desteklenmez."),
            .keyNotFound: ReasonText(
                title: "Oturum açma belirteci denetlenemiyor",
                happened: "Bu sitede, oturum açma belirtecinin imzalandığı anahtara karşılık gelen bir anahtar yok.",
                advice: againInTurkish,
                fix:
                    "Belirtecin \"kid\" ve \"alg\" değerlerini token.keys ile karşılaştırın. Sağlayıcı anahtarlarını değiştirdiyse anahtar dosyasını veya anahtar kümesini güncelleyin."
            ),
            .signatureInvalid: ReasonText(
                title: "Oturum açma belirteci gerçek değil", happened: "Oturum açma belirtecinin imzası uyuşmuyor.",
                advice: againInTurkish,
                fix:
                    "Her iki tarafta da aynı gizli anahtar (veya eşleşen anahtar çifti) olmalıdır. token.keys ayarını denetleyin: secretEncoding, fazladan bir boşluk veya satır sonu ve doğru ortam (test veya canlı)."
            ),
            .expired: ReasonText(
                title: "Bu oturum açmanın süresi doldu",
                happened: "Oturum açma belirteci yalnızca kısa bir süre geçerliydi ve süresi doldu.",
                advice:
                    "Lütfen yeniden deneyin. Olağan neden, uzun süre açık kalmış bir sayfa veya eski bir bağlantıdır.",
                fix:
                    "Hemen oluyorsa bu makinenin ve sağlayıcının saatlerini karşılaştırın; token.clockSkew küçük farklara izin verir."
            ),
            .notYetValid: ReasonText(
                title: "Bu oturum açma henüz geçerli değil", happened: "Oturum açma belirteci henüz geçerli değil.",
                advice: "Lütfen bir dakika bekleyip yeniden deneyin.",
                fix:
                    "Bu makinenin saati sağlayıcınınkinden geri (\"nbf\"). İkisini eşitleyin veya token.clockSkew değerini artırın."
            ),
            .issuedInFuture: ReasonText(
                title: "Bu oturum açmanın zamanı gelecekte",
                happened: "Bu sitenin saatine göre oturum açma belirteci gelecekte düzenlenmiş.",
                advice: "Lütfen bir dakika bekleyip yeniden deneyin.",
                fix:
                    "Bu makinenin saati sağlayıcınınkinden geri (\"iat\"). İkisini eşitleyin veya token.clockSkew değerini artırın."
            ),
            .tooOld: ReasonText(
                title: "Bu oturum açma çok eski",
                happened: "Oturum açma belirteci, bu sitenin kabul ettiğinden daha önce düzenlenmiş.",
                advice: "Lütfen görmek istediğiniz sayfadan başlayarak yeniden deneyin.",
                fix:
                    "token.maxAge \"iat\" değerinden başlayarak sayar. Saatleri karşılaştırın veya sağlayıcı geç yönlendiriyorsa değeri artırın."
            ),
            .expiryMissing: ReasonText(
                title: "Oturum açma belirtecinin bitiş zamanı yok",
                happened:
                    "Oturum açma belirteci süresinin ne zaman dolacağını belirtmiyor, bu site ise bunu gerektiriyor.",
                advice: cannotHelpInTurkish,
                fix:
                    "Sağlayıcı \"exp\" eklemelidir; ya da token.requireExpiry ayarını false yapıp token.maxAge değerine güvenin."
            ),
            .issuedAtMissing: ReasonText(
                title: "Oturum açma belirtecinin düzenlenme zamanı yok",
                happened: "Oturum açma belirteci ne zaman düzenlendiğini belirtmiyor.", advice: cannotHelpInTurkish,
                fix:
                    "\"exp\" yoksa belirteçte \"iat\" bulunmalıdır. Bunu farklı yazan sağlayıcılar için token.claimAliases ayarını kullanın."
            ),
            .issuerMismatch: ReasonText(
                title: "Oturum açma başka bir sağlayıcıdan geliyor",
                happened: "Oturum açma belirtecini, bu sitenin güvendiğinden başka bir kimlik sağlayıcı düzenlemiş.",
                advice: cannotHelpInTurkish,
                fix: "token.issuer, son eğik çizgiye kadar belirtecin \"iss\" değeriyle aynı olmalıdır."),
            .audienceMismatch: ReasonText(
                title: "Oturum açma başka bir site için",
                happened: "Oturum açma belirteci başka bir uygulama için düzenlenmiş.", advice: startInTurkish,
                fix:
                    "Belirtecin \"aud\" değerini token.audience listesine ekleyin. Bu liste boş oldukça, hedef kitle belirten bir belirteç reddedilir."
            ),
            .idMissing: ReasonText(
                title: "Oturum açma belirtecinin kimliği yok",
                happened: "Oturum açma belirtecinde, bu sitenin gerektirdiği benzersiz kimlik eksik.",
                advice: cannotHelpInTurkish,
                fix: "Sağlayıcı \"jti\" eklemelidir; ya da token.minimumIDLength değerini 0 yapın."),
            .idTooShort: ReasonText(
                title: "Oturum açma belirtecinin kimliği çok kısa",
                happened: "Oturum açma belirtecinin benzersiz kimliği, bu sitenin gerektirdiğinden kısa.",
                advice: cannotHelpInTurkish,
                fix: "Sağlayıcı daha uzun bir \"jti\" kullanmalıdır; ya da token.minimumIDLength değerini düşürün."),
            .replayed: ReasonText(
                title: "Bu oturum açma zaten kullanıldı",
                happened: "Her oturum açma belirteci bir kez geçerlidir ve bu kullanılmış.",
                advice: "Lütfen yeniden deneyin. Olağan neden, tarayıcıda geri gitmek veya sayfayı yenilemektir.",
                fix:
                    "Aynı anda çok kişide görülüyorsa: yoldaki bir şey (bağlantı tarayıcısı, vekil sunucu) dönüş URL’sini tarayıcıdan önce açıyor."
            ),
            .replayStoreUnavailable: ReasonText(
                title: "Şu anda oturum açılamıyor",
                happened:
                    "Bu site, oturum açma belirtecinin daha önce kullanılıp kullanılmadığını denetleyemedi; bu yüzden hiçbirini kabul etmiyor.",
                advice: "Lütfen bir dakika sonra yeniden deneyin.",
                fix: "Ortak depoya ulaşılamıyor; bu durumda ne olacağını replay.onFailure belirler."),
            .replayStoreFull: ReasonText(
                title: "Şu anda çok fazla oturum açma var",
                happened:
                    "Bu sitede oturum açma belirtecinin kullanıldığını kaydedecek yer yok; bu yüzden hiçbirini kabul etmiyor.",
                advice: "Lütfen birkaç dakika sonra yeniden deneyin.",
                fix:
                    "Kullanılmış belirteçlerin belleği dolu (replay.maxEntries). Değeri artırın, belirteçlerin geçerlilik süresini (\"exp\", token.maxAge) kısaltın veya replay.store ayarını redis yapın."
            ),
            .fieldMissing: ReasonText(
                title: "Hesap bilgileri eksik",
                happened: "Kimlik sağlayıcı, bu sitenin gerektirdiği hesap bilgilerini göndermedi.",
                advice: "Yöneticinizden hesabınızı, örneğin e-posta adresini tamamlamasını isteyin.",
                fix:
                    "token.required içindeki her alan, token.claims içindeki taleplerinden (claims) birinden gelmelidir."
            ),
            .fieldInvalid: ReasonText(
                title: "Hesap bilgileri geçersiz",
                happened: "Hesap bilgileriniz, bu sitenin kabul edemediği bir değer içeriyor.",
                advice: "Yöneticinizden hesabınızı, örneğin e-posta adresini denetlemesini isteyin.",
                fix:
                    "Bir e-posta adresinde tam olarak bir @ bulunur; hiçbir alan denetim karakteri içeremez. Bir alanın 1024 baytlık 512 değeri olabilir (e-posta adresi: 320); tüm alanlar birlikte 10 KiB olabilir."
            ),
            .userNotRegistered: ReasonText(
                title: "Hesabınız burada kayıtlı değil",
                happened: "Oturum açtınız, ancak bu site hesabınızı tanımıyor.",
                advice: "Başka bir hesap kullanın veya yöneticinizden bunu kaydetmesini isteyin.",
                fix: "Adresi access.users ayarına ekleyin (emails, emailsFile, emailDomains veya groups)."),
            .siteNotGranted: ReasonText(
                title: "Hesabınızın bu siteye erişimi yok",
                happened: "Oturum açtınız, ancak hesabınıza bu site için izin verilmemiş.", advice: accessInTurkish,
                fix: "Belirtecin siteleri (sites) access.site değerini içermelidir."),
            .guestRefused: ReasonText(
                title: "Konukların erişimi yok",
                happened: "Hesabınız burada kayıtlı değil ve oturum açmanız konuk olarak erişime izin vermiyor.",
                advice: "Başka bir hesap kullanın veya yöneticinizden bunu kaydetmesini isteyin.",
                fix:
                    "Belirtecin \"guest\" değeri false ve access.users hesabı içermiyor; hesabı kaydedin veya sağlayıcının guest değerini true göndermesini sağlayın."
            ),
            .groupMissing: ReasonText(
                title: "Bu sayfa başka bir grup için",
                happened: "Oturum açtınız, ancak hesabınız bu sayfayı görebilen bir grupta değil.",
                advice: "Başka bir hesap kullanın veya yöneticinizden sizi gruba eklemesini isteyin.",
                fix:
                    "access.users.groups ayarı veya access.rules içindeki bir kural bir grup gerektiriyor; belirtecin hangi grupları taşıdığını `sidegate explain` gösterir."
            ),
            .ruleDenied: ReasonText(
                title: "Bu sayfayı göremezsiniz",
                happened: "Bu sitenin kuralları hesabınız için bu sayfaya izin vermiyor.", advice: accessInTurkish,
                fix: "access.rules içindeki bir kural yolu yasaklıyor veya hesapta olmayan bir alan gerektiriyor."),
            .providerNotAllowed: ReasonText(
                title: "Burada başka bir oturum açma gerekiyor",
                happened: "Bu sayfa, oturum açtığınız kimlik sağlayıcının hesapları için değil.",
                advice: "Başka bir yolla oturum açın veya yöneticinizden erişim isteyin.",
                fix:
                    "access.rules içindeki bir kural başka sağlayıcıları belirtiyor veya identityProviders içindeki hosts bunu bu ana bilgisayarda sunmuyor."
            ),
            .identityHeadTooLarge: ReasonText(
                title: "Hesabınızda çok fazla bilgi var",
                happened:
                    "Bu sitenin hesabınız hakkında uygulamaya bildireceği bilgiler, uygulamanın kabul ettiğinden fazla.",
                advice: "Yöneticinizden hesabınızın grup sayısını azaltmasını isteyin.",
                fix:
                    "Kimlik başlıkları upstream.headerBytes değerinden büyük. Sağlayıcıdan daha az grup gönderin, identityHeaders içinden başlık çıkarın veya uygulama daha fazlasını kabul ediyorsa sınırı artırın."
            ),
            .seatLimitReached: ReasonText(
                title: "Boş yer yok", happened: "Bu uygulamadaki tüm yerler dolu; bu yüzden hesap eklenemiyor.",
                advice: "Yöneticinizden bir yer boşaltmasını veya eklemesini isteyin, sonra yeniden deneyin.",
                fix: "Uygulama provisioning.url isteğine 402, 403 veya 409 ile yanıt verdi."),
            .provisioningFailed: ReasonText(
                title: "Hesabınız hazırlanamadı",
                happened: "Uygulama hesabınızı onaylamadı; bu yüzden oturum açılmadı.",
                advice: "Lütfen bir dakika sonra yeniden deneyin.",
                fix: "provisioning.url başarılı bir yanıt vermedi; yanıtı günlükte."),
            .loginStateMissing: ReasonText(
                title: "Bu oturum açma burada başlatılmadı",
                happened:
                    "Tarayıcınız bu oturum açmayı burada başlatmadı veya başlangıçta oluşturulan çerezi kaybetti.",
                advice: "Lütfen görmek istediğiniz sayfadan yeniden başlayın ve bu sitenin çerezlerine izin verin.",
                fix:
                    "Sağlayıcıda başlayan oturum açmalara ne olacağını identityProvider.initiated belirler. Değilse başka bir ana bilgisayar adı, https yerine http veya engellenmiş çerez olup olmadığına bakın."
            ),
            .loginStateExpired: ReasonText(
                title: "Oturum açma çok uzun sürdü",
                happened: "Oturum açmanın başı ile sonu arasında on dakikadan fazla geçti.",
                advice: "Lütfen yeniden deneyin.",
                fix:
                    "Hemen olmuyorsa bir şey gerekmez; hemen oluyorsa kopyaların oturum gizli anahtarları farklıdır veya saat sıçrıyordur."
            ),
            .returnURLRefused: ReasonText(
                title: "Bu adres bu sitede değil", happened: "İstenen dönüş adresi bu sitenin dışında.",
                advice: startInTurkish,
                fix:
                    "return_to bu sitenin bir yolu veya ana bilgisayarındaki ya da session.domain altındaki bir URL olmalıdır."
            ),
            .returnPathMismatch: ReasonText(
                title: "Oturum açma sonrasında yanlış adrese yönlendirildiniz",
                happened: "Kimlik sağlayıcı sizi bu sitenin oturum açma kabul edilmeyen bir adresine geri gönderdi.",
                advice: cannotHelpInTurkish,
                fix:
                    "Sağlayıcıdaki dönüş adresini (yönlendirme URL’si, SSO URL’si, ACS URL’si) bu sitenin identityProvider.returnPath değerine veya bu ayarı sağlayıcınınkine göre ayarlayın. İkisi son eğik çizgiye kadar aynı olmalıdır."
            ),
            .providerError: ReasonText(
                title: "Kimlik sağlayıcı oturumunuzu açmadı",
                happened: "Kimlik sağlayıcı sizi oturum açma yerine bir hatayla geri gönderdi.",
                advice: "Lütfen yeniden deneyin. Oturum açmayı iptal ettiyseniz bir sorun yok.",
                fix:
                    "Sağlayıcının hata kodu günlükte. Ya kullanıcı reddetti veya bu istemciyi kullanamıyor ya da istemcinin sağlayıcıdaki ayarları uymuyor: kapsamları (scopes), yanıt türünü ve yönlendirme URI’sini karşılaştırın."
            ),
            .providerUnavailable: ReasonText(
                title: "Şu anda oturum açılamıyor", happened: "Bu site şu anda kimlik sağlayıcıya ulaşamıyor.",
                advice: "Lütfen bir dakika bekleyip yeniden deneyin. Oturumu açık olan kişiler bundan etkilenmez.",
                fix:
                    "Sağlayıcının discovery belgesi veya uç noktalarından biri buradan alınamıyor. Nedeni günlükte; `sidegate doctor` bunları dener."
            ),
            .codeExchangeFailed: ReasonText(
                title: "Oturum açma işlemi tamamlanamadı",
                happened: "Kimlik sağlayıcı, sizi geri gönderdiği kodu kabul etmedi.", advice: againInTurkish,
                fix:
                    "Sağlayıcının hata kodu günlükte. invalid_client: identityProvider.clientID değerini, gizli anahtarı ve clientAuthentication ayarını karşılaştırın; invalid_grant: kod daha önce kullanılmış, çok eski veya başka bir yönlendirme URI’si için düzenlenmiş."
            ),
            .nonceMismatch: ReasonText(
                title: "Oturum açma başka bir denemeye ait",
                happened: "Kimlik sağlayıcı, başka bir deneme için düzenlenmiş bir oturum açmayla yanıt verdi.",
                advice: startInTurkish,
                fix:
                    "Kimlik belirteci (ID token), isteğin nonce değerini değiştirmeden içermelidir. Birden fazla olursa biri başkalarının oturum açmalarını yeniden kullanıyor olabilir."
            ),
            .sessionExpired: ReasonText(
                title: "Oturumunuz sona erdi", happened: "Oturumunuz bu sitenin en uzun süresine ulaştı.",
                advice: "Lütfen yeniden oturum açın.", fix: "Bu süreyi session.lifetime belirler."),
            .sessionIdle: ReasonText(
                title: "Oturumunuz sona erdi", happened: "Bir süre etkinlik olmadığı için oturumunuz kapatıldı.",
                advice: "Lütfen yeniden oturum açın.", fix: "Bu süreyi session.idleTimeout belirler."),
            .sessionRevoked: ReasonText(
                title: "Oturumunuz kapatıldı",
                happened: "Oturumunuz, başka bir yerde kapatılarak veya bir yönetici tarafından sonlandırıldı.",
                advice: "Lütfen yeniden oturum açın.",
                fix: "Sağlayıcı back-channel oturum kapatma isteği gönderdi veya oturum depodan kaldırıldı."),
            .sessionInvalid: ReasonText(
                title: "Oturumunuz burada geçerli değil", happened: "Tarayıcınızın oturum çerezi açılamadı.",
                advice: "Lütfen yeniden oturum açın.",
                fix:
                    "Oturum gizli anahtarı, eskisi session.secrets içinde tutulmadan değiştirildi, kopyaların gizli anahtarları farklı veya çerezle oynandı."
            ),
            .identityHeaderSpoofed: ReasonText(
                title: "Bu istek engellendi",
                happened: "İstekte, bir uygulamanın kimliğiniz sanabileceği bir başlık vardı.",
                advice:
                    "Tarayıcılar böyle bir başlık göndermez. Bunu bir uzantı veya betik ekliyorsa onu devre dışı bırakın.",
                fix:
                    "Bir vekil sunucunun yetkilendirme isteğiyle, adı bir kimlik başlığının başka yazımı olan bir başlık geldi; örneğin X_Forwarded_User. Vekil sunucu böyle adları atmalıdır; istemciyi onun günlüğünde arayın."
            ),
            .pathUnreadable: ReasonText(
                title: "Adres okunamıyor", happened: "Bu sayfanın adresi belirsiz; bu yüzden istek iletilmedi.",
                advice:
                    "Adresi denetleyin veya ana sayfadan başlayın. Buraya bir bağlantıyla geldiyseniz yöneticinize bildirin.",
                fix:
                    "Yolda “.” veya “..” bölümü var, yol (belki kodlanmış) iki eğik çizgiyle başlıyor veya sunucuların farklı okuduğu bir kodlama içeriyor. İstemci çözümlenmiş yolu göndermelidir; `sidegate explain --request PATH` neyin yanlış olduğunu söyler."
            ),
            .crossSiteRequest: ReasonText(
                title: "Bu istek engellendi",
                happened: "Bu isteği oturumunuzla başka bir sitenin sayfası göndermiş olabilir; bu yüzden iletilmedi.",
                advice: "Sayfayı bu sitede açın ve oradan yeniden deneyin.",
                fix:
                    "session.partitioned ile, bir şeyi değiştiren bir istek veya bir WebSocket, Sec-Fetch-Site veya Origin alanına göre bu sitenin bir sayfasından gelmelidir. Öndeki vekil sunucular her iki alanı da iletmelidir; başka sitelerin programları Bearer belirtecine gerek duyar."
            ),
        ])

    private static let againInTurkish =
        "Lütfen yeniden deneyin. Sorun sürerse aşağıdaki kodu yöneticinize bildirin."
    private static let cannotHelpInTurkish =
        "Yeniden denemek büyük olasılıkla işe yaramaz. Aşağıdaki kodu yöneticinize bildirin."
    private static let startInTurkish = "Lütfen görmek istediğiniz sayfadan yeniden başlayın."
    private static let accessInTurkish = "Başka bir hesap kullanın veya yöneticinizden erişim isteyin."
}
