// SPDX-License-Identifier: Apache-2.0

import Decisions

extension Catalogue {
    static let italian = Catalogue(
        phrases: [
            .continueLabel: "Continua", .codeLabel: "Codice", .statusLabel: "Stato",
            .requestIDLabel: "ID richiesta", .timeLabel: "Ora", .signedInAsLabel: "Accesso eseguito come",
            .accountLabel: "Account", .switchAccountLabel: "Usa un altro account", .tryAgainLabel: "Riprova",
            .fixLabel: "Per l’amministratore",

            .redirectingTitle: "Un momento",
            .redirecting: "Reindirizzamento in corso. Se non succede nulla, usa il link.",
            .chooseTitle: "Accedi",
            .choose: "Scegli come vuoi accedere.",
            .signedOutTitle: "Hai eseguito la disconnessione",
            .signedOut: "La tua sessione qui è terminata. Puoi chiudere questa pagina.",
            .signedOutAdvice: "Su un dispositivo condiviso, disconnettiti anche dal tuo provider di identità.",
            .signInAgainLabel: "Accedi di nuovo",
            .confirmSignInTitle: "Sei tu?",
            .confirmSignIn: "Un accesso con questo account è stato avviato altrove, non da questa pagina.",
            .confirmSignInAdvice: "Continua solo se lo hai avviato tu e l’account è tuo.",
            .confirmSignInLabel: "Sì, accedi",
            .cancelSignInLabel: "No, non sono io",
            .returnedElsewhereTitle: "L’accesso è arrivato a un altro indirizzo",
            .confirmSignOutTitle: "Vuoi disconnetterti?",
            .confirmSignOut: "La tua sessione qui terminerà. Il lavoro non salvato potrebbe andare perso.",
            .confirmSignOutLabel: "Disconnetti",
            .cancelSignOutLabel: "Resta connesso",
            .loginLoopTitle: "L’accesso continua a ripetersi",
            .loginLoop:
                "Hai eseguito l’accesso più volte in pochi secondi, ma ogni volta la sessione è andata persa. Le cause probabili sono:",
            .loopByCookies:
                "Il browser blocca i cookie di questo sito. Consentili, anche nelle finestre di navigazione privata.",
            .loopByScheme:
                "L’indirizzo inizia con http:// mentre il sito si aspetta https://, quindi il browser scarta il suo cookie sicuro.",
            .loopByHost: "Il sito è raggiungibile con più nomi host, e il cookie appartiene a un altro.",
            .loopByClock: "L’orologio di questo dispositivo o del server non è corretto.",
            .loopBySecrets: "I server di questo sito usano segreti di sessione diversi.",
            .upstreamDownAdvice: "Riprova tra un momento.",

            .sessionEndedTitle: "La tua sessione è terminata",
            .notSignedInTitle: "Non hai eseguito l’accesso",
            .formKept:
                "I dati che hai inserito non sono ancora stati inviati, ma sono conservati in questa pagina. Accedi in un’altra scheda, poi torna qui e inviali.",
            .formKeptAdvice: "Tieni aperta questa pagina fino ad allora.",
            .signedInBeforeLabel: "Accesso eseguito finora come",
            .signInLabel: "Accedi",
            .sendFormLabel: "Invia",
            .formOfOtherTitle: "Inviare con un altro account?",
            .formOfOther:
                "Questo modulo è stato compilato con un account e hai eseguito l’accesso con un altro. Non è ancora stato inviato.",
            .filledInLabel: "Compilato con",
            .signedInNowLabel: "Accesso eseguito ora come",
            .sendFormAsLabel: "Invia come {account}",
            .formLost: "I dati che hai inserito non sono stati inviati.",
            .formLostAdvice:
                "Accedi in un’altra scheda, poi torna indietro in questa: la maggior parte dei browser mostra ancora lì ciò che hai inserito.",
            .formLostOff: "Questo sito non conserva i moduli.",
            .formLostOtherSite:
                "Non è stato possibile conservarli, perché non provenivano da una pagina di questo sito.",
            .formLostType: "Non è stato possibile conservarli, perché non si tratta di un modulo ordinario.",
            .formLostFiles: "Non è stato possibile conservarli, perché contengono file.",
            .formLostSize: "Non è stato possibile conservarli, perché occupano troppo spazio.",
            .formLostCount: "Non è stato possibile conservarli, perché i campi sono troppi.",
            .formLostRoom: "Non è stato possibile conservarli, perché il server è occupato.",
            .formLostUnsendable:
                "Non è stato possibile conservarli, perché il browser non potrebbe inviarli di nuovo invariati.",
            .formLostAddress: "Non è stato possibile conservarli, perché l’indirizzo del modulo è troppo lungo.",
            .signedInTitle: "Hai eseguito l’accesso",
            .signedInForForm: "Torna all’altra scheda e invia il modulo. Puoi chiudere questa.",
            .notSignedInForForm: "Accedi, poi torna all’altra scheda e invia il modulo.",
            .frameTitle: "Accedi",
            .frame: "Questa parte della pagina richiede l’accesso, possibile solo nella finestra intera.",
            .frameAdvice: "Se il pulsante non fa nulla, apri questo sito in una scheda separata.",
            .leaving: "Stai per essere reindirizzato alla pagina di accesso. Se non succede nulla, usa il pulsante.",
            .arriving: "Stai per essere reindirizzato alla tua pagina. Se non succede nulla, usa il pulsante.",
            .linkTooLong:
                "L’indirizzo della pagina che volevi vedere è troppo lungo per essere conservato durante l’accesso.",
            .linkTooLongAdvice:
                "Apri di nuovo il link: ora porta alla pagina. Oppure prosegui alla pagina iniziale.",

            .otherRefusalTitle: "La richiesta è stata rifiutata",
            .otherRefusal: "Non è stato possibile elaborare la richiesta.",
            .otherFailureTitle: "Qualcosa è andato storto",
            .otherFailure: "Non è stato possibile elaborare la richiesta. Riprova.",
            .otherReasonTitle: "L’accesso non è riuscito",
            .otherReason: "Non è stato possibile completare l’accesso.",
            .otherReasonAdvice:
                "Riprova. Se il problema persiste, comunica il codice e l’ID richiesta al tuo amministratore.",
            .otherReasonFix: "Cerca l’ID richiesta nel log.",

            .returnPathMismatch: "Ti ha inviato a {path}; gli accessi sono accettati a {expected}.",
            .or: "o",
            .tokenInPath:
                "Ha aggiunto il suo token con & a {path}, che non ha una query, quindi il token è diventato parte del percorso; gli accessi sono accettati a {expected}.",
            .tokenInPathFix:
                "Fai aggiungere al provider il token con ? quando l’indirizzo di ritorno non ha una query. Se non può, inserisci lì l’indirizzo di ritorno con un punto interrogativo alla fine.",
            .wrongUnitTitle: "Il token di login conta il tempo in {unit}",
            .wrongUnit:
                "L’ora «{claim}» del token di login è in {unit}, ma i token contano i secondi, quindi è molto lontana nel futuro.",
            .wrongUnitAdvice: "Riprovare non servirà. Comunica al tuo amministratore il codice qui sotto.",
            .wrongUnitFix: "Il provider deve inviare secondi interi dal 1970.",
            .wrongUnitFixByScript:
                "Il provider deve dividere le sue ore per 1000; in JavaScript, Math.floor(Date.now() / 1000).",
            .milliseconds: "millisecondi", .microseconds: "microsecondi", .nanoseconds: "nanosecondi",
            .fieldMissing: "Manca il campo {field}.",
            .fieldMissingInClaims: "Manca il campo {field} (claim: {claims}).",
            .emailUnverified:
                "Il claim email non conta, perché email_verified non è true (token.acceptUnverifiedEmail).",
            .fieldNotText: "Il campo {field} non è né un testo né un elenco di testi.",
            .fieldValueCount: "Il campo {field} ha {count} valori; ne sono accettati al massimo {limit}.",
            .fieldSingleValue: "Il campo {field} ha {count} valori; ne è accettato uno.",
            .fieldValueLength: "Il campo {field} ha un valore di {count} byte; ne sono accettati al massimo {limit}.",
            .fieldControlCharacter: "Il campo {field} contiene un carattere di controllo.",
            .fieldBlankEnd: "Il campo {field} ha spazi all’inizio o alla fine.",
            .fieldWithoutSingleAt: "Il campo {field} non ha esattamente una @.",
            .fieldNotPlainEmail: "Il campo {field} non è un singolo indirizzo e-mail semplice.",
            .fieldTotal:
                "Con il campo {field} tutti i campi insieme occupano {count} byte; ne sono accettati al massimo {limit}.",
            .sessionTooLarge:
                "La sessione non entra nei {limit} cookie che può avere; il suo campo più grande è {field}, con {count} byte.",
            .fieldAdvice: "Riprovare non servirà. Chiedi al tuo amministratore di correggere il tuo account.",
            .returnedElsewhere:
                "Il provider di identità ti ha rimandato a {actual}, ma l’indirizzo di questo sito è {expected}; il cookie creato all’inizio dell’accesso esiste solo lì.",
            .providerErrorCode: "Il suo codice di errore è {code}.",
            .providerSentNothing: "Non ha inviato né un codice né un errore.",
            .otherResponseMode: "Ha inviato la risposta {actual}; questo sito la accetta {expected}.",
            .responseInURL: "nell’URL",
            .responseInForm: "in un modulo",
            .openIDStateFix:
                "Con OpenID Connect un accesso inizia dall’applicazione: fai portare i link dei portali a publicURL. Altrimenti cerca un altro nome host, http al posto di https, o cookie bloccati.",
            .openIDResponseFix:
                "Consenti al client il flusso authorization code presso il provider. La risposta deve arrivare come indica identityProvider.responseMode.",
            .openIDTokenFix:
                "La risposta non deve avere parametri ripetuti, e il token ID deve essere firmato e non cifrato, con sub, iat ed exp, come richiede OpenID Connect Core 1.0.",
            .openIDKeyFix:
                "La chiave che ha firmato il token ID deve trovarsi nell’insieme di chiavi jwks_uri del provider. Il log indica i recuperi falliti; `sidegate doctor` ne prova uno.",
            .openIDIssuerFix:
                "identityProvider.issuer deve essere esattamente uguale a \"iss\" della risposta e del token ID, fino all’ultima barra.",
            .openIDAudienceFix:
                "identityProvider.clientID deve essere il client a cui è destinato il token ID (\"aud\", \"azp\").",
        ],
        statuses: [
            400: StatusWords(
                title: "La richiesta non è leggibile",
                message: "Il browser, o un intermediario, ha inviato una richiesta non valida."),
            401: StatusWords(title: "Accedi", message: "Questa pagina è visibile solo a chi ha eseguito l’accesso."),
            403: StatusWords(title: "Non consentito", message: "Non puoi vedere questa pagina."),
            404: StatusWords(title: "Pagina non trovata", message: "A questo indirizzo non c’è nessuna pagina."),
            405: StatusWords(
                title: "Metodo non consentito", message: "Questo indirizzo non accetta questo tipo di richiesta."),
            408: StatusWords(
                title: "La richiesta ha impiegato troppo tempo",
                message: "Il browser non ha completato la richiesta in tempo. Riprova."),
            411: StatusWords(
                title: "La richiesta non indica la lunghezza",
                message: "Questo indirizzo richiede la lunghezza del contenuto."),
            413: StatusWords(
                title: "Il contenuto è troppo grande",
                message: "Il contenuto è più grande di quanto questo sito accetti."),
            414: StatusWords(
                title: "L’indirizzo è troppo lungo",
                message: "L’indirizzo di questa pagina è più lungo di quanto questo sito accetti."),
            417: StatusWords(
                title: "L’aspettativa non può essere soddisfatta",
                message: "Il browser si aspetta qualcosa che questo sito non supporta."),
            421: StatusWords(title: "Server sbagliato", message: "Questo server non ospita il sito richiesto."),
            429: StatusWords(
                title: "Troppe richieste", message: "Hai inviato troppe richieste. Riprova tra un momento."),
            431: StatusWords(
                title: "La richiesta è troppo grande",
                message:
                    "Il browser ha inviato più campi o cookie di quanti questo sito ne accetti. Può essere utile eliminare i cookie di questo sito."
            ),
            500: StatusWords(
                title: "Qualcosa è andato storto",
                message: "La richiesta non è riuscita per un errore di questo sito. Riprova."),
            501: StatusWords(title: "Non supportato", message: "Questo sito non supporta questo tipo di richiesta."),
            502: StatusWords(
                title: "L’applicazione non risponde",
                message: "Hai raggiunto questo sito, ma l’applicazione dietro di esso non ha dato una risposta valida."),
            503: StatusWords(
                title: "Al momento non disponibile",
                message: "Questo sito è in avvio, in arresto o sovraccarico. Riprova tra un momento."),
            504: StatusWords(
                title: "L’applicazione impiega troppo tempo",
                message: "Hai raggiunto questo sito, ma l’applicazione dietro di esso non ha risposto in tempo."),
            505: StatusWords(
                title: "Versione di HTTP non supportata",
                message: "Il browser ha usato una versione di HTTP che questo sito non supporta."),
        ],
        reasons: [
            .tokenMissing: ReasonText(
                title: "Nessun token di login ricevuto",
                happened: "Il provider di identità ti ha rimandato senza un token di login.", advice: startInItalian,
                fix:
                    "Confronta identityProvider.tokenParameter con il parametro usato dal provider, e verifica che nulla lungo il percorso (un reindirizzamento, una cache) tagli la query."
            ),
            .tokenTooLarge: ReasonText(
                title: "Il token di login è troppo grande",
                happened: "Il provider di identità ha inviato un token di login più grande di 16 KiB.",
                advice: cannotHelpInItalian,
                fix: "Il provider deve mettere meno dati nel token; di solito la causa sono lunghi elenchi di gruppi."),
            .tokenMalformed: ReasonText(
                title: "Il token di login è danneggiato",
                happened: "Il provider di identità ha inviato un token di login non valido, o più di uno.",
                advice: againInItalian,
                fix:
                    "Il token deve essere un JWS compatto: tre parti in base64url senza riempimento, separate da punti, indicato una sola volta. `sidegate explain` mostra dov’è l’errore; spesso il provider aggiunge il riempimento o codifica l’URL due volte."
            ),
            .headerMalformed: ReasonText(
                title: "Il token di login è danneggiato",
                happened: "La prima parte del token di login, l’intestazione, non è leggibile.",
                advice: againInItalian,
                fix:
                    "L’intestazione deve essere un oggetto JSON in UTF-8 con \"alg\" e senza nomi duplicati. Per i provider che scrivono i nomi in altro modo, imposta token.headerAliases."
            ),
            .claimsMalformed: ReasonText(
                title: "Il token di login è danneggiato",
                happened: "La seconda parte del token di login, i dati su di te, non è leggibile.",
                advice: againInItalian,
                fix:
                    "I claim devono essere un oggetto JSON in UTF-8 senza nomi duplicati, e le ore devono essere numeri, non testo. Un token di disconnessione non può essere usato per accedere."
            ),
            .algorithmNotAllowed: ReasonText(
                title: "Il token di login è firmato in modo inatteso",
                happened: "Il token di login usa un algoritmo di firma che questo sito non accetta.",
                advice: cannotHelpInItalian,
                fix:
                    "Fai firmare il provider con uno dei token.algorithms, o aggiungi lì il suo algoritmo se vuoi accettarlo."
            ),
            .algorithmMissing: ReasonText(
                title: "Il token di login non dice come è firmato",
                happened: "Il token di login non indica alcun algoritmo di firma.", advice: cannotHelpInItalian,
                fix:
                    "L’intestazione del token deve contenere \"alg\". Per i provider che lo scrivono in altro modo, imposta token.headerAliases."
            ),
            .criticalHeaderUnsupported: ReasonText(
                title: "Il token di login richiede un’estensione sconosciuta",
                happened: "Il token di login richiede un’estensione («crit») che questo sito non supporta.",
                advice: cannotHelpInItalian,
                fix: "Disattiva l’estensione presso il provider; non è supportata alcuna intestazione critica."),
            .keyNotFound: ReasonText(
                title: "Il token di login non può essere verificato",
                happened:
                    "Questo sito non ha una chiave corrispondente a quella con cui è stato firmato il token di login.",
                advice: againInItalian,
                fix:
                    "Confronta \"kid\" e \"alg\" del token con token.keys. Se il provider ha cambiato le chiavi, aggiorna il file o l’insieme di chiavi."
            ),
            .signatureInvalid: ReasonText(
                title: "Il token di login non è autentico",
                happened: "La firma del token di login non corrisponde.", advice: againInItalian,
                fix:
                    "Le due parti devono avere lo stesso segreto (o la coppia di chiavi corrispondente). Controlla token.keys: secretEncoding, uno spazio o un fine riga di troppo, e l’ambiente giusto (test o produzione)."
            ),
            .expired: ReasonText(
                title: "Questo accesso è scaduto",
                happened: "Il token di login era valido solo per poco tempo, ed è scaduto.",
                advice: "Riprova. Di solito la causa è una pagina lasciata aperta a lungo o un vecchio link.",
                fix:
                    "Se succede subito, confronta gli orologi di questa macchina e del provider; token.clockSkew tollera piccole differenze."
            ),
            .notYetValid: ReasonText(
                title: "Questo accesso non è ancora valido", happened: "Il token di login non è ancora valido.",
                advice: "Attendi un minuto e riprova.",
                fix:
                    "L’orologio di questa macchina è indietro rispetto a quello del provider (\"nbf\"). Sincronizza entrambi, o aumenta token.clockSkew."
            ),
            .issuedInFuture: ReasonText(
                title: "La data di questo accesso è nel futuro",
                happened: "Secondo l’orologio di questo sito, il token di login è stato emesso nel futuro.",
                advice: "Attendi un minuto e riprova.",
                fix:
                    "L’orologio di questa macchina è indietro rispetto a quello del provider (\"iat\"). Sincronizza entrambi, o aumenta token.clockSkew."
            ),
            .tooOld: ReasonText(
                title: "Questo accesso è troppo vecchio",
                happened: "Il token di login è stato emesso più tempo fa di quanto questo sito accetti.",
                advice: "Riprova, partendo dalla pagina che volevi vedere.",
                fix:
                    "token.maxAge conta da \"iat\". Confronta gli orologi, o aumenta il valore se il provider è lento a reindirizzare."
            ),
            .expiryMissing: ReasonText(
                title: "Il token di login non ha una scadenza",
                happened: "Il token di login non dice quando scade, e questo sito lo richiede.",
                advice: cannotHelpInItalian,
                fix:
                    "Fai aggiungere \"exp\" al provider, o imposta token.requireExpiry su false e affidati a token.maxAge."
            ),
            .issuedAtMissing: ReasonText(
                title: "Il token di login non ha un’ora di emissione",
                happened: "Il token di login non dice quando è stato emesso.", advice: cannotHelpInItalian,
                fix:
                    "Senza \"exp\" il token ha bisogno di \"iat\". Per i provider che lo scrivono in altro modo, imposta token.claimAliases."
            ),
            .issuerMismatch: ReasonText(
                title: "L’accesso viene da un altro provider",
                happened:
                    "Il token di login è stato emesso da un provider di identità diverso da quello di cui questo sito si fida.",
                advice: cannotHelpInItalian,
                fix: "token.issuer deve essere esattamente uguale a \"iss\" del token, fino all’ultima barra."),
            .audienceMismatch: ReasonText(
                title: "L’accesso è destinato a un altro sito",
                happened: "Il token di login è stato emesso per un’altra applicazione.", advice: startInItalian,
                fix:
                    "Inserisci \"aud\" del token in token.audience. Un token che indica un destinatario è rifiutato finché quell’elenco è vuoto."
            ),
            .idMissing: ReasonText(
                title: "Il token di login non ha un ID",
                happened: "Al token di login manca l’ID univoco che questo sito richiede.",
                advice: cannotHelpInItalian,
                fix: "Fai aggiungere \"jti\" al provider, o imposta token.minimumIDLength su 0."),
            .idTooShort: ReasonText(
                title: "L’ID del token di login è troppo corto",
                happened: "L’ID univoco del token di login è più corto di quanto questo sito richieda.",
                advice: cannotHelpInItalian,
                fix: "Fai usare al provider un \"jti\" più lungo, o riduci token.minimumIDLength."),
            .replayed: ReasonText(
                title: "Questo accesso è già stato usato",
                happened: "Ogni token di login vale una volta sola, e questo è già stato usato.",
                advice: "Riprova. Di solito la causa è tornare indietro nel browser o ricaricare la pagina.",
                fix:
                    "Se succede a molti utenti insieme: qualcosa lungo il percorso (un analizzatore di link, un proxy) apre l’URL di ritorno prima del browser."
            ),
            .replayStoreUnavailable: ReasonText(
                title: "Al momento non è possibile accedere",
                happened:
                    "Questo sito non ha potuto verificare se il token di login fosse già stato usato, quindi non ne accetta nessuno.",
                advice: "Riprova tra un minuto.",
                fix: "L’archivio condiviso non è raggiungibile; replay.onFailure decide che cosa succede allora."),
            .replayStoreFull: ReasonText(
                title: "Troppi accessi al momento",
                happened:
                    "Questo sito non ha spazio per ricordare che il token di login è stato usato, quindi non ne accetta nessuno.",
                advice: "Riprova tra qualche minuto.",
                fix:
                    "La memoria dei token usati è piena (replay.maxEntries). Aumentala, riduci il tempo di validità dei token (\"exp\", token.maxAge), o imposta replay.store su redis."
            ),
            .fieldMissing: ReasonText(
                title: "Mancano dati dell’account",
                happened: "Il provider di identità non ha inviato dati dell’account che questo sito richiede.",
                advice: "Chiedi al tuo amministratore di completare il tuo account, per esempio l’indirizzo e-mail.",
                fix: "Ogni campo di token.required deve provenire da uno dei suoi claim in token.claims."),
            .fieldInvalid: ReasonText(
                title: "Alcuni dati dell’account non sono validi",
                happened: "I dati del tuo account contengono un valore che questo sito non può accettare.",
                advice: "Chiedi al tuo amministratore di controllare il tuo account, per esempio l’indirizzo e-mail.",
                fix:
                    "Un indirizzo e-mail ha esattamente una @; nessun campo può contenere caratteri di controllo. Un campo può avere 512 valori di 1024 byte (un indirizzo e-mail: 320), e tutti i campi insieme 10 KiB."
            ),
            .userNotRegistered: ReasonText(
                title: "Il tuo account non è registrato qui",
                happened: "Hai eseguito l’accesso, ma questo sito non conosce il tuo account.",
                advice: "Usa un altro account, o chiedi al tuo amministratore di registrare questo.",
                fix: "Aggiungi l’indirizzo ad access.users (emails, emailsFile, emailDomains o groups)."),
            .siteNotGranted: ReasonText(
                title: "Il tuo account non ha accesso a questo sito",
                happened: "Hai eseguito l’accesso, ma il tuo account non è autorizzato per questo sito.",
                advice: accessInItalian, fix: "I siti (sites) del token devono contenere access.site."),
            .guestRefused: ReasonText(
                title: "Gli ospiti non hanno accesso",
                happened: "Il tuo account non è registrato qui, e il tuo accesso non consente di entrare come ospite.",
                advice: "Usa un altro account, o chiedi al tuo amministratore di registrare questo.",
                fix:
                    "Il \"guest\" del token è false e access.users non contiene l’account; registralo, o fai inviare al provider guest come true."
            ),
            .groupMissing: ReasonText(
                title: "Questa pagina è per un altro gruppo",
                happened: "Hai eseguito l’accesso, ma il tuo account non è in un gruppo che può vedere questa pagina.",
                advice: "Usa un altro account, o chiedi al tuo amministratore di aggiungerti al gruppo.",
                fix:
                    "L’impostazione access.users.groups o una regola di access.rules richiede un gruppo; `sidegate explain` mostra quali porta il token."
            ),
            .ruleDenied: ReasonText(
                title: "Non puoi vedere questa pagina",
                happened: "Le regole di questo sito non consentono questa pagina per il tuo account.",
                advice: accessInItalian,
                fix: "Una regola di access.rules nega il percorso, o richiede un campo che l’account non ha."),
            .providerNotAllowed: ReasonText(
                title: "Qui serve un altro accesso",
                happened:
                    "Questa pagina non è per gli account del provider di identità con cui hai eseguito l’accesso.",
                advice: "Accedi in un altro modo, o chiedi l’accesso al tuo amministratore.",
                fix:
                    "Una regola di access.rules indica altri provider, o hosts di identityProviders non offre questo su questo host."
            ),
            .identityHeadTooLarge: ReasonText(
                title: "Il tuo account ha troppi dati",
                happened:
                    "Ciò che questo sito comunicherebbe all’applicazione sul tuo account è più di quanto essa accetti.",
                advice: "Chiedi al tuo amministratore di ridurre il numero di gruppi del tuo account.",
                fix:
                    "Le intestazioni di identità superano upstream.headerBytes. Fai inviare meno gruppi al provider, togli intestazioni da identityHeaders, o aumenta il limite se l’applicazione ne accetta di più."
            ),
            .seatLimitReached: ReasonText(
                title: "Nessun posto libero",
                happened:
                    "Tutti i posti di questa applicazione sono occupati, quindi non si può aggiungere alcun account.",
                advice: "Chiedi al tuo amministratore di liberare o aggiungere un posto, poi riprova.",
                fix: "L’applicazione ha risposto alla richiesta di provisioning.url con 402, 403 o 409."),
            .provisioningFailed: ReasonText(
                title: "Non è stato possibile configurare il tuo account",
                happened: "L’applicazione non ha confermato il tuo account, quindi l’accesso non è avvenuto.",
                advice: "Riprova tra un minuto.",
                fix: "provisioning.url non ha restituito un esito positivo; la sua risposta è nel log."),
            .loginStateMissing: ReasonText(
                title: "Questo accesso non è iniziato qui",
                happened: "Il browser non ha iniziato qui questo accesso, o ha perso il cookie creato all’inizio.",
                advice: "Ricomincia dalla pagina che volevi vedere, e consenti i cookie per questo sito.",
                fix:
                    "identityProvider.initiated dice che cosa succede agli accessi che iniziano presso il provider. Altrimenti cerca un altro nome host, http al posto di https, o cookie bloccati."
            ),
            .loginStateExpired: ReasonText(
                title: "L’accesso ha impiegato troppo tempo",
                happened: "Sono passati più di dieci minuti tra l’inizio e la fine dell’accesso.", advice: "Riprova.",
                fix:
                    "Nulla da fare, a meno che non succeda subito: in tal caso le repliche hanno segreti di sessione diversi, o l’orologio fa dei salti."
            ),
            .returnURLRefused: ReasonText(
                title: "Quell’indirizzo non è di questo sito",
                happened: "L’indirizzo di ritorno richiesto è fuori da questo sito.", advice: startInItalian,
                fix: "return_to deve essere un percorso di questo sito, o un URL sul suo host o sotto session.domain."),
            .returnPathMismatch: ReasonText(
                title: "L’accesso è arrivato all’indirizzo sbagliato",
                happened:
                    "Il provider di identità ti ha rimandato a un indirizzo di questo sito dove non si accettano accessi.",
                advice: cannotHelpInItalian,
                fix:
                    "Imposta presso il provider l’indirizzo di ritorno (URL di reindirizzamento, URL SSO, URL ACS) su identityProvider.returnPath di questo sito, o questa impostazione su quello del provider. Devono essere uguali, fino all’ultima barra."
            ),
            .providerError: ReasonText(
                title: "Il provider di identità non ha eseguito l’accesso",
                happened: "Il provider di identità ti ha rimandato con un errore invece che con un accesso.",
                advice: "Riprova. Se hai annullato l’accesso, va tutto bene.",
                fix:
                    "Il log contiene il codice di errore del provider. O l’utente ha rifiutato o non può usare questo client, oppure le impostazioni del client presso il provider non corrispondono: confronta scope, tipo di risposta e URI di reindirizzamento."
            ),
            .providerUnavailable: ReasonText(
                title: "Al momento non è possibile accedere",
                happened: "Questo sito al momento non riesce a raggiungere il provider di identità.",
                advice: "Attendi un minuto e riprova. Chi ha già eseguito l’accesso non ne risente.",
                fix:
                    "Da qui non si può ottenere il documento di discovery del provider o uno dei suoi endpoint. Il log dice perché; `sidegate doctor` li prova."
            ),
            .codeExchangeFailed: ReasonText(
                title: "Non è stato possibile completare l’accesso",
                happened: "Il provider di identità non ha accettato il codice con cui ti ha rimandato.",
                advice: againInItalian,
                fix:
                    "Il log contiene il codice di errore del provider. invalid_client: confronta identityProvider.clientID, il segreto e clientAuthentication; invalid_grant: il codice è già stato usato, è troppo vecchio o è stato emesso per un altro URI di reindirizzamento."
            ),
            .nonceMismatch: ReasonText(
                title: "L’accesso appartiene a un altro tentativo",
                happened: "Il provider di identità ha risposto con un accesso emesso per un altro tentativo.",
                advice: startInItalian,
                fix:
                    "Il token ID deve contenere il nonce della richiesta, invariato. Se succede più di una volta, forse qualcuno sta riutilizzando accessi altrui."
            ),
            .sessionExpired: ReasonText(
                title: "La tua sessione è terminata",
                happened: "La tua sessione ha raggiunto la durata massima di questo sito.", advice: "Accedi di nuovo.",
                fix: "session.lifetime stabilisce quanto dura."),
            .sessionIdle: ReasonText(
                title: "La tua sessione è terminata",
                happened: "La sessione è stata chiusa dopo un periodo di inattività.", advice: "Accedi di nuovo.",
                fix: "session.idleTimeout stabilisce quanto dura."),
            .sessionRevoked: ReasonText(
                title: "La tua sessione è stata chiusa",
                happened:
                    "La tua sessione è terminata per una disconnessione altrove o per opera di un amministratore.",
                advice: "Accedi di nuovo.",
                fix:
                    "Il provider ha inviato una disconnessione back-channel, o la sessione è stata rimossa dall’archivio."
            ),
            .sessionInvalid: ReasonText(
                title: "La tua sessione non è valida qui",
                happened: "Non è stato possibile aprire il cookie di sessione del browser.", advice: "Accedi di nuovo.",
                fix:
                    "Il segreto di sessione è cambiato senza conservare quello vecchio in session.secrets, le repliche hanno segreti diversi, o il cookie è stato manomesso."
            ),
            .identityHeaderSpoofed: ReasonText(
                title: "Questa richiesta è stata bloccata",
                happened:
                    "La richiesta aveva un’intestazione che un’applicazione potrebbe scambiare per la tua identità.",
                advice:
                    "I browser non inviano un’intestazione simile. Se la aggiunge un’estensione o uno script, disattivali.",
                fix:
                    "Con la richiesta di autorizzazione di un proxy è arrivata un’intestazione il cui nome è un’altra grafia di un’intestazione di identità, come X_Forwarded_User. Fai scartare tali nomi al proxy, e cerca il client nel suo log."
            ),
            .pathUnreadable: ReasonText(
                title: "L’indirizzo non è leggibile",
                happened: "L’indirizzo di questa pagina è ambiguo, quindi la richiesta non è stata inoltrata.",
                advice:
                    "Controlla l’indirizzo, o parti dalla pagina iniziale. Se ti ha portato qui un link, avvisa il tuo amministratore.",
                fix:
                    "Il percorso ha un segmento «.» o «..», inizia con due barre, forse codificate, o contiene una codifica che i server leggono in modo diverso. Il client deve inviare il percorso già risolto; `sidegate explain --request PATH` dice che cosa non va."
            ),
            .crossSiteRequest: ReasonText(
                title: "Questa richiesta è stata bloccata",
                happened:
                    "La pagina di un altro sito potrebbe aver inviato questa richiesta con la tua sessione, quindi non è stata inoltrata.",
                advice: "Apri la pagina su questo sito e riprova da lì.",
                fix:
                    "Con session.partitioned una richiesta che modifica qualcosa, o un WebSocket, deve venire da una pagina di questo sito, secondo Sec-Fetch-Site o Origin. I proxy a monte devono trasmettere entrambi i campi; i programmi di altri siti hanno bisogno di un token bearer."
            ),
        ])

    private static let againInItalian =
        "Riprova. Se il problema persiste, comunica al tuo amministratore il codice qui sotto."
    private static let cannotHelpInItalian =
        "È improbabile che riprovare serva. Comunica al tuo amministratore il codice qui sotto."
    private static let startInItalian = "Ricomincia dalla pagina che volevi vedere."
    private static let accessInItalian = "Usa un altro account, o chiedi l’accesso al tuo amministratore."
}
