// SPDX-License-Identifier: Apache-2.0

import Decisions

extension Catalogue {
    static let polish = Catalogue(
        phrases: [
            .continueLabel: "Kontynuuj", .codeLabel: "Kod", .statusLabel: "Status",
            .requestIDLabel: "ID żądania", .timeLabel: "Czas", .signedInAsLabel: "Zalogowano jako",
            .accountLabel: "Konto", .switchAccountLabel: "Użyj innego konta", .tryAgainLabel: "Spróbuj ponownie",
            .fixLabel: "Dla administratora",

            .redirectingTitle: "Proszę czekać",
            .redirecting: "Trwa przekierowanie. Jeśli nic się nie dzieje, użyj łącza.",
            .chooseTitle: "Zaloguj się",
            .choose: "Wybierz sposób logowania.",
            .signedOutTitle: "Wylogowano",
            .signedOut: "Twoja sesja tutaj została zakończona. Możesz zamknąć tę stronę.",
            .signedOutAdvice: "Na współdzielonym urządzeniu wyloguj się także u swojego dostawcy tożsamości.",
            .signInAgainLabel: "Zaloguj się ponownie",
            .confirmSignInTitle: "Czy to Ty?",
            .confirmSignIn: "Logowanie na to konto rozpoczęto gdzie indziej, nie z tej strony.",
            .confirmSignInAdvice: "Kontynuuj tylko wtedy, gdy to Twoje logowanie i Twoje konto.",
            .confirmSignInLabel: "Tak, zaloguj mnie",
            .cancelSignInLabel: "Nie, to nie ja",
            .returnedElsewhereTitle: "Po logowaniu nastąpił powrót pod inny adres",
            .confirmSignOutTitle: "Wylogować się?",
            .confirmSignOut: "Twoja sesja tutaj zostanie zakończona. Niezapisana praca może zostać utracona.",
            .confirmSignOutLabel: "Wyloguj się",
            .cancelSignOutLabel: "Nie wylogowuj",
            .loginLoopTitle: "Logowanie się powtarza",
            .loginLoop:
                "W ciągu kilku sekund nastąpiło kilka logowań, ale za każdym razem sesja została utracona. Prawdopodobne przyczyny:",
            .loopByCookies:
                "Przeglądarka blokuje pliki cookie tej witryny. Zezwól na nie, także w oknach prywatnych.",
            .loopByScheme:
                "Adres zaczyna się od http://, a witryna oczekuje https://, więc przeglądarka odrzuca jej bezpieczny plik cookie.",
            .loopByHost: "Witryna jest dostępna pod więcej niż jedną nazwą hosta, a plik cookie należy do innej.",
            .loopByClock: "Zegar tego urządzenia lub serwera wskazuje niewłaściwy czas.",
            .loopBySecrets: "Serwery tej witryny używają różnych sekretów sesji.",
            .upstreamDownAdvice: "Spróbuj ponownie za chwilę.",

            .sessionEndedTitle: "Twoja sesja zakończyła się",
            .notSignedInTitle: "Brak aktywnej sesji",
            .formKept:
                "Wprowadzone dane nie zostały jeszcze wysłane, ale są zachowane na tej stronie. Zaloguj się w innej karcie, wróć tutaj i wyślij je.",
            .formKeptAdvice: "Do tego czasu nie zamykaj tej strony.",
            .signedInBeforeLabel: "Dotychczas zalogowane konto",
            .signInLabel: "Zaloguj się",
            .sendFormLabel: "Wyślij",
            .formOfOtherTitle: "Wysłać z innego konta?",
            .formOfOther:
                "Ten formularz wypełniono na jednym koncie, a teraz zalogowane jest inne. Nie został jeszcze wysłany.",
            .filledInLabel: "Wypełniono na koncie",
            .signedInNowLabel: "Teraz zalogowane konto",
            .sendFormAsLabel: "Wyślij jako {account}",
            .formLost: "Wprowadzone dane nie zostały wysłane.",
            .formLostAdvice:
                "Zaloguj się w innej karcie, a potem cofnij się w tej: większość przeglądarek nadal pokazuje tam wprowadzone dane.",
            .formLostOff: "Ta witryna nie zachowuje formularzy.",
            .formLostOtherSite: "Nie można było ich zachować, ponieważ nie pochodziły ze strony tej witryny.",
            .formLostType: "Nie można było ich zachować, ponieważ nie jest to zwykły formularz.",
            .formLostFiles: "Nie można było ich zachować, ponieważ zawierają pliki.",
            .formLostSize: "Nie można było ich zachować, ponieważ są zbyt duże.",
            .formLostCount: "Nie można było ich zachować, ponieważ mają zbyt wiele pól.",
            .formLostRoom: "Nie można było ich zachować, ponieważ serwer jest zajęty.",
            .formLostUnsendable:
                "Nie można było ich zachować, ponieważ przeglądarka nie mogłaby wysłać ich ponownie bez zmian.",
            .formLostAddress: "Nie można było ich zachować, ponieważ adres formularza jest zbyt długi.",
            .signedInTitle: "Zalogowano",
            .signedInForForm: "Wróć do drugiej karty i wyślij formularz. Tę kartę możesz zamknąć.",
            .notSignedInForForm: "Zaloguj się, wróć do drugiej karty i wyślij formularz.",
            .frameTitle: "Zaloguj się",
            .frame: "Ta część strony wymaga zalogowania, które jest możliwe tylko w pełnym oknie przeglądarki.",
            .frameAdvice: "Jeśli przycisk nie działa, otwórz tę witrynę w osobnej karcie.",
            .leaving: "Trwa przejście na stronę logowania. Jeśli nic się nie dzieje, użyj przycisku.",
            .arriving: "Trwa przejście na Twoją stronę. Jeśli nic się nie dzieje, użyj przycisku.",
            .linkTooLong:
                "Adres strony, którą chcesz zobaczyć, jest zbyt długi, by zapamiętać go na czas logowania.",
            .linkTooLongAdvice:
                "Otwórz łącze ponownie: teraz prowadzi do tej strony. Albo przejdź na stronę główną.",

            .otherRefusalTitle: "Żądanie zostało odrzucone",
            .otherRefusal: "Nie można było przetworzyć żądania.",
            .otherFailureTitle: "Coś poszło nie tak",
            .otherFailure: "Nie można było przetworzyć żądania. Spróbuj ponownie.",
            .otherReasonTitle: "Logowanie nie powiodło się",
            .otherReason: "Nie udało się dokończyć logowania.",
            .otherReasonAdvice:
                "Spróbuj ponownie. Jeśli to nie pomoże, przekaż administratorowi kod i ID żądania.",
            .otherReasonFix: "Wyszukaj ID żądania w dzienniku.",

            .returnPathMismatch: "Skierował Cię pod {path}; logowania są przyjmowane pod {expected}.",
            .or: "lub",
            .tokenInPath:
                "Dołączył swój token znakiem & do {path}, który nie ma ciągu zapytania, więc token stał się częścią ścieżki; logowania są przyjmowane pod {expected}.",
            .tokenInPathFix:
                "Dostawca powinien dołączać token znakiem ?, gdy adres powrotu nie ma ciągu zapytania. Jeśli nie może, wpisz tam adres powrotu ze znakiem zapytania na końcu.",
            .wrongUnitTitle: "Token logowania podaje czas w {unit}",
            .wrongUnit:
                "Czas „{claim}” w tokenie logowania podano w {unit}, a tokeny liczą sekundy, więc wypada on daleko w przyszłości.",
            .wrongUnitAdvice: "Ponowna próba nie pomoże. Przekaż administratorowi kod widoczny poniżej.",
            .wrongUnitFix: "Dostawca powinien wysyłać pełne sekundy od roku 1970.",
            .wrongUnitFixByScript:
                "Dostawca powinien dzielić czasy przez 1000; w JavaScript: Math.floor(Date.now() / 1000).",
            .milliseconds: "milisekundach", .microseconds: "mikrosekundach", .nanoseconds: "nanosekundach",
            .fieldMissing: "Brakuje pola {field}.",
            .fieldMissingInClaims: "Brakuje pola {field} (claims: {claims}).",
            .emailUnverified:
                "Pole email z tokenu się nie liczy, ponieważ email_verified nie ma wartości true (token.acceptUnverifiedEmail).",
            .fieldNotText: "Pole {field} nie jest ani tekstem, ani listą tekstów.",
            .fieldValueCount: "Liczba wartości pola {field} to {count}; przyjmowanych jest najwyżej {limit}.",
            .fieldSingleValue: "Liczba wartości pola {field} to {count}; przyjmowana jest jedna.",
            .fieldValueLength: "Pole {field} ma wartość o długości {count} B; przyjmowane jest najwyżej {limit} B.",
            .fieldControlCharacter: "Pole {field} zawiera znak sterujący.",
            .fieldBlankEnd: "Pole {field} ma białe znaki na początku lub na końcu.",
            .fieldWithoutSingleAt: "Pole {field} nie zawiera dokładnie jednego znaku @.",
            .fieldNotPlainEmail: "Pole {field} nie jest jednym zwykłym adresem e-mail.",
            .fieldTotal: "Z polem {field} wszystkie pola razem mają {count} B; przyjmowane jest najwyżej {limit} B.",
            .sessionTooLarge:
                "Sesja nie mieści się w {limit} plikach cookie, które może mieć; jej największe pole to {field}, {count} B.",
            .fieldAdvice: "Ponowna próba nie pomoże. Poproś administratora o poprawienie Twojego konta.",
            .returnedElsewhere:
                "Dostawca tożsamości odesłał Cię pod {actual}, ale adresem tej witryny jest {expected}; plik cookie utworzony na początku logowania istnieje tylko tam.",
            .providerErrorCode: "Jego kod błędu to {code}.",
            .providerSentNothing: "Nie wysłał ani kodu, ani błędu.",
            .otherResponseMode: "Wysłał odpowiedź {actual}; ta witryna przyjmuje ją {expected}.",
            .responseInURL: "w adresie URL",
            .responseInForm: "w formularzu",
            .openIDStateFix:
                "W OpenID Connect logowanie zaczyna się w aplikacji: niech łącza w portalach prowadzą do publicURL. W innym razie poszukaj innej nazwy hosta, http zamiast https lub zablokowanych plików cookie.",
            .openIDResponseFix:
                "Zezwól klientowi u dostawcy na przepływ authorization code. Odpowiedź musi przyjść tak, jak mówi identityProvider.responseMode.",
            .openIDTokenFix:
                "Odpowiedź nie może mieć żadnego parametru dwa razy, a token ID musi być podpisany i niezaszyfrowany, z sub, iat i exp, jak wymaga OpenID Connect Core 1.0.",
            .openIDKeyFix:
                "Klucz, którym podpisano token ID, musi być w zestawie kluczy jwks_uri dostawcy. Dziennik podaje nieudane pobrania; `sidegate doctor` wykonuje próbę.",
            .openIDIssuerFix:
                "identityProvider.issuer musi być dokładnie równy \"iss\" odpowiedzi i tokenu ID, aż do ostatniego ukośnika.",
            .openIDAudienceFix:
                "identityProvider.clientID musi być klientem, dla którego wydano token ID (\"aud\", \"azp\").",
        ],
        statuses: [
            400: StatusWords(
                title: "Nie można odczytać żądania",
                message: "Przeglądarka lub serwer pośredniczący wysłał nieprawidłowe żądanie."),
            401: StatusWords(title: "Zaloguj się", message: "Ta strona jest widoczna tylko dla zalogowanych osób."),
            403: StatusWords(title: "Brak dostępu", message: "Nie możesz zobaczyć tej strony."),
            404: StatusWords(title: "Nie znaleziono strony", message: "Pod tym adresem nie ma strony."),
            405: StatusWords(title: "Niedozwolona metoda", message: "Ten adres nie przyjmuje żądań tego rodzaju."),
            408: StatusWords(
                title: "Żądanie trwało zbyt długo",
                message: "Przeglądarka nie dokończyła żądania na czas. Spróbuj ponownie."),
            411: StatusWords(
                title: "Żądanie nie podaje długości", message: "Ten adres wymaga podania długości treści."),
            413: StatusWords(title: "Treść jest zbyt duża", message: "Treść jest większa, niż przyjmuje ta witryna."),
            414: StatusWords(
                title: "Adres jest zbyt długi", message: "Adres tej strony jest dłuższy, niż przyjmuje ta witryna."),
            417: StatusWords(
                title: "Nie można spełnić oczekiwania",
                message: "Przeglądarka oczekuje czegoś, czego ta witryna nie obsługuje."),
            421: StatusWords(title: "Niewłaściwy serwer", message: "Ten serwer nie obsługuje żądanej witryny."),
            429: StatusWords(
                title: "Zbyt wiele żądań", message: "Wysłano zbyt wiele żądań. Spróbuj ponownie za chwilę."),
            431: StatusWords(
                title: "Żądanie jest zbyt duże",
                message:
                    "Przeglądarka wysłała więcej pól lub plików cookie, niż przyjmuje ta witryna. Może pomóc usunięcie plików cookie tej witryny."
            ),
            500: StatusWords(
                title: "Coś poszło nie tak",
                message: "Żądanie nie powiodło się z powodu błędu tej witryny. Spróbuj ponownie."),
            501: StatusWords(title: "Nieobsługiwane", message: "Ta witryna nie obsługuje żądań tego rodzaju."),
            502: StatusWords(
                title: "Aplikacja nie odpowiada",
                message: "Połączenie z tą witryną działa, ale aplikacja za nią nie dała prawidłowej odpowiedzi."),
            503: StatusWords(
                title: "Chwilowo niedostępne",
                message:
                    "Ta witryna właśnie się uruchamia, zatrzymuje lub jest przeciążona. Spróbuj ponownie za chwilę."),
            504: StatusWords(
                title: "Aplikacja odpowiada zbyt długo",
                message: "Połączenie z tą witryną działa, ale aplikacja za nią nie odpowiedziała na czas."),
            505: StatusWords(
                title: "Nieobsługiwana wersja HTTP",
                message: "Przeglądarka użyła wersji HTTP, której ta witryna nie obsługuje."),
        ],
        reasons: [
            .tokenMissing: ReasonText(
                title: "Nie otrzymano tokenu logowania",
                happened: "Dostawca tożsamości odesłał Cię bez tokenu logowania.",
                advice: startInPolish,
                fix:
                    "Porównaj identityProvider.tokenParameter z parametrem, którego używa dostawca, i sprawdź, czy nic po drodze (przekierowanie, pamięć podręczna) nie obcina ciągu zapytania."
            ),
            .tokenTooLarge: ReasonText(
                title: "Token logowania jest zbyt duży",
                happened: "Dostawca tożsamości wysłał token logowania większy niż 16 KiB.", advice: cannotHelpInPolish,
                fix: "Dostawca powinien umieszczać w tokenie mniej danych; zwykłą przyczyną są długie listy grup."),
            .tokenMalformed: ReasonText(
                title: "Token logowania jest uszkodzony",
                happened: "Dostawca tożsamości wysłał nieprawidłowy token logowania lub więcej niż jeden.",
                advice: againInPolish,
                fix:
                    "Token musi być zwartym JWS: trzy części w base64url bez dopełnienia, rozdzielone kropkami, podany raz. `sidegate explain` pokazuje miejsce błędu; często dostawca dodaje dopełnienie lub koduje URL dwukrotnie."
            ),
            .headerMalformed: ReasonText(
                title: "Token logowania jest uszkodzony",
                happened: "Nie można odczytać pierwszej części tokenu logowania, jego nagłówka.", advice: againInPolish,
                fix:
                    "Nagłówek musi być obiektem JSON w UTF-8 z \"alg\" i bez powtórzonych nazw. Dla dostawców, którzy piszą nazwy inaczej, ustaw token.headerAliases."
            ),
            .claimsMalformed: ReasonText(
                title: "Token logowania jest uszkodzony",
                happened: "Nie można odczytać drugiej części tokenu logowania, danych o Tobie.", advice: againInPolish,
                fix:
                    "Oświadczenia (claims) muszą być obiektem JSON w UTF-8 bez powtórzonych nazw, a czasy liczbami, nie tekstem. Tokenu wylogowania nie można użyć do logowania."
            ),
            .algorithmNotAllowed: ReasonText(
                title: "Token logowania jest podpisany w nieoczekiwany sposób",
                happened: "Token logowania używa algorytmu podpisu, którego ta witryna nie przyjmuje.",
                advice: cannotHelpInPolish,
                fix:
                    "Dostawca powinien podpisywać jednym z token.algorithms; albo dodaj tam jego algorytm, jeśli ma być przyjmowany."
            ),
            .algorithmMissing: ReasonText(
                title: "Token logowania nie mówi, jak jest podpisany",
                happened: "Token logowania nie podaje algorytmu podpisu.", advice: cannotHelpInPolish,
                fix:
                    "Nagłówek tokenu musi zawierać \"alg\". Dla dostawców, którzy piszą to inaczej, ustaw token.headerAliases."
            ),
            .criticalHeaderUnsupported: ReasonText(
                title: "Token logowania wymaga nieznanego rozszerzenia",
                happened: "Token logowania wymaga rozszerzenia („crit”), którego ta witryna nie obsługuje.",
                advice: cannotHelpInPolish,
                fix: "Wyłącz rozszerzenie u dostawcy; żaden nagłówek krytyczny nie jest obsługiwany."),
            .keyNotFound: ReasonText(
                title: "Nie można sprawdzić tokenu logowania",
                happened: "Ta witryna nie ma klucza odpowiadającego temu, którym podpisano token logowania.",
                advice: againInPolish,
                fix:
                    "Porównaj \"kid\" i \"alg\" tokenu z token.keys. Po zmianie kluczy przez dostawcę zaktualizuj plik klucza lub zestaw kluczy."
            ),
            .signatureInvalid: ReasonText(
                title: "Token logowania nie jest autentyczny", happened: "Podpis tokenu logowania się nie zgadza.",
                advice: againInPolish,
                fix:
                    "Obie strony muszą mieć ten sam sekret (lub pasującą parę kluczy). Sprawdź token.keys: secretEncoding, zbędną spację lub koniec wiersza oraz właściwe środowisko (testowe czy produkcyjne)."
            ),
            .expired: ReasonText(
                title: "To logowanie wygasło", happened: "Token logowania był ważny tylko przez krótki czas i wygasł.",
                advice: "Spróbuj ponownie. Zwykłą przyczyną jest długo otwarta strona lub stare łącze.",
                fix:
                    "Jeśli dzieje się to od razu, porównaj zegary tego komputera i dostawcy; token.clockSkew dopuszcza małe różnice."
            ),
            .notYetValid: ReasonText(
                title: "To logowanie nie jest jeszcze ważne", happened: "Token logowania nie jest jeszcze ważny.",
                advice: "Odczekaj minutę i spróbuj ponownie.",
                fix:
                    "Zegar tego komputera spóźnia się względem zegara dostawcy (\"nbf\"). Zsynchronizuj oba lub zwiększ token.clockSkew."
            ),
            .issuedInFuture: ReasonText(
                title: "Data tego logowania wypada w przyszłości",
                happened: "Według zegara tej witryny token logowania wydano w przyszłości.",
                advice: "Odczekaj minutę i spróbuj ponownie.",
                fix:
                    "Zegar tego komputera spóźnia się względem zegara dostawcy (\"iat\"). Zsynchronizuj oba lub zwiększ token.clockSkew."
            ),
            .tooOld: ReasonText(
                title: "To logowanie jest zbyt stare",
                happened: "Token logowania wydano dawniej, niż dopuszcza ta witryna.",
                advice: "Spróbuj ponownie, zaczynając od strony, którą chcesz zobaczyć.",
                fix:
                    "token.maxAge liczy się od \"iat\". Porównaj zegary lub zwiększ tę wartość, jeśli dostawca wolno przekierowuje."
            ),
            .expiryMissing: ReasonText(
                title: "Token logowania nie ma czasu wygaśnięcia",
                happened: "Token logowania nie mówi, kiedy wygasa, a ta witryna tego wymaga.",
                advice: cannotHelpInPolish,
                fix:
                    "Dostawca powinien dodać \"exp\"; albo ustaw token.requireExpiry na false i polegaj na token.maxAge."
            ),
            .issuedAtMissing: ReasonText(
                title: "Token logowania nie ma czasu wydania", happened: "Token logowania nie mówi, kiedy go wydano.",
                advice: cannotHelpInPolish,
                fix:
                    "Bez \"exp\" token potrzebuje \"iat\". Dla dostawców, którzy piszą to inaczej, ustaw token.claimAliases."
            ),
            .issuerMismatch: ReasonText(
                title: "Logowanie pochodzi od innego dostawcy",
                happened: "Token logowania wydał inny dostawca tożsamości niż ten, któremu ufa ta witryna.",
                advice: cannotHelpInPolish,
                fix: "token.issuer musi być dokładnie równy \"iss\" tokenu, aż do ostatniego ukośnika."),
            .audienceMismatch: ReasonText(
                title: "Logowanie jest przeznaczone dla innej witryny",
                happened: "Token logowania wydano dla innej aplikacji.", advice: startInPolish,
                fix:
                    "Wpisz \"aud\" tokenu do token.audience. Token, który podaje odbiorcę, jest odrzucany, dopóki ta lista jest pusta."
            ),
            .idMissing: ReasonText(
                title: "Token logowania nie ma identyfikatora",
                happened: "Tokenowi logowania brakuje niepowtarzalnego identyfikatora, którego wymaga ta witryna.",
                advice: cannotHelpInPolish,
                fix: "Dostawca powinien dodać \"jti\"; albo ustaw token.minimumIDLength na 0."),
            .idTooShort: ReasonText(
                title: "Identyfikator tokenu logowania jest zbyt krótki",
                happened: "Niepowtarzalny identyfikator tokenu logowania jest krótszy, niż wymaga ta witryna.",
                advice: cannotHelpInPolish,
                fix: "Dostawca powinien używać dłuższego \"jti\"; albo zmniejsz token.minimumIDLength."),
            .replayed: ReasonText(
                title: "To logowanie zostało już użyte",
                happened: "Każdy token logowania działa raz, a ten został już użyty.",
                advice: "Spróbuj ponownie. Zwykłą przyczyną jest cofnięcie się w przeglądarce lub odświeżenie strony.",
                fix:
                    "Jeśli dotyczy to wielu osób naraz: coś po drodze (skaner łączy, serwer proxy) otwiera adres powrotu przed przeglądarką."
            ),
            .replayStoreUnavailable: ReasonText(
                title: "Logowanie jest chwilowo niemożliwe",
                happened:
                    "Ta witryna nie mogła sprawdzić, czy token logowania był już użyty, więc nie przyjmuje żadnego.",
                advice: "Spróbuj ponownie za minutę.",
                fix: "Wspólny magazyn jest niedostępny; replay.onFailure decyduje, co się wtedy dzieje."),
            .replayStoreFull: ReasonText(
                title: "Chwilowo zbyt wiele logowań",
                happened:
                    "Ta witryna nie ma miejsca, by zapamiętać, że token logowania został użyty, więc nie przyjmuje żadnego.",
                advice: "Spróbuj ponownie za kilka minut.",
                fix:
                    "Pamięć użytych tokenów jest pełna (replay.maxEntries). Zwiększ ją, skróć czas ważności tokenów (\"exp\", token.maxAge) lub ustaw replay.store na redis."
            ),
            .fieldMissing: ReasonText(
                title: "Brakuje danych konta",
                happened: "Dostawca tożsamości nie wysłał danych konta, których wymaga ta witryna.",
                advice: "Poproś administratora o uzupełnienie Twojego konta, na przykład adresu e-mail.",
                fix: "Każde pole z token.required musi pochodzić z jednego z jego oświadczeń (claims) w token.claims."),
            .fieldInvalid: ReasonText(
                title: "Dane konta są nieprawidłowe",
                happened: "Dane Twojego konta zawierają wartość, której ta witryna nie może przyjąć.",
                advice: "Poproś administratora o sprawdzenie Twojego konta, na przykład adresu e-mail.",
                fix:
                    "Adres e-mail ma dokładnie jeden znak @; żadne pole nie może zawierać znaków sterujących. Pole może mieć 512 wartości po 1024 bajty (adres e-mail: 320), a wszystkie pola razem 10 KiB."
            ),
            .userNotRegistered: ReasonText(
                title: "Twoje konto nie jest tu zarejestrowane",
                happened: "Logowanie się powiodło, ale ta witryna nie zna Twojego konta.",
                advice: "Użyj innego konta lub poproś administratora o zarejestrowanie tego.",
                fix: "Dodaj adres do access.users (emails, emailsFile, emailDomains lub groups)."),
            .siteNotGranted: ReasonText(
                title: "Twoje konto nie ma dostępu do tej witryny",
                happened: "Logowanie się powiodło, ale Twoje konto nie ma uprawnień do tej witryny.",
                advice: accessInPolish, fix: "Witryny (sites) tokenu muszą zawierać access.site."),
            .guestRefused: ReasonText(
                title: "Goście nie mają dostępu",
                happened: "Twoje konto nie jest tu zarejestrowane, a Twoje logowanie nie zezwala na dostęp jako gość.",
                advice: "Użyj innego konta lub poproś administratora o zarejestrowanie tego.",
                fix:
                    "Wartość \"guest\" tokenu to false, a access.users nie zawiera konta; zarejestruj je lub niech dostawca wysyła guest jako true."
            ),
            .groupMissing: ReasonText(
                title: "Ta strona jest przeznaczona dla innej grupy",
                happened: "Logowanie się powiodło, ale Twoje konto nie należy do grupy, która może zobaczyć tę stronę.",
                advice: "Użyj innego konta lub poproś administratora o dodanie Cię do grupy.",
                fix:
                    "Ustawienie access.users.groups lub reguła w access.rules wymaga grupy; `sidegate explain` pokazuje, które grupy zawiera token."
            ),
            .ruleDenied: ReasonText(
                title: "Nie możesz zobaczyć tej strony",
                happened: "Reguły tej witryny nie zezwalają na tę stronę dla Twojego konta.", advice: accessInPolish,
                fix: "Reguła w access.rules zabrania tej ścieżki lub wymaga pola, którego konto nie ma."),
            .providerNotAllowed: ReasonText(
                title: "Tutaj wymagane jest inne logowanie",
                happened:
                    "Ta strona nie jest przeznaczona dla kont dostawcy tożsamości, u którego nastąpiło logowanie.",
                advice: "Zaloguj się w inny sposób lub poproś administratora o dostęp.",
                fix:
                    "Reguła w access.rules podaje innych dostawców lub hosts w identityProviders nie oferuje tego na tym hoście."
            ),
            .identityHeadTooLarge: ReasonText(
                title: "Twoje konto ma zbyt wiele danych",
                happened:
                    "To, co ta witryna przekazałaby aplikacji o Twoim koncie, przekracza to, co aplikacja przyjmuje.",
                advice: "Poproś administratora o zmniejszenie liczby grup Twojego konta.",
                fix:
                    "Nagłówki tożsamości są większe niż upstream.headerBytes. Niech dostawca wysyła mniej grup, usuń nagłówki z identityHeaders lub zwiększ limit, jeśli aplikacja przyjmuje więcej."
            ),
            .seatLimitReached: ReasonText(
                title: "Brak wolnego miejsca",
                happened: "Wszystkie miejsca w tej aplikacji są zajęte, więc nie można dodać konta.",
                advice: "Poproś administratora o zwolnienie lub dodanie miejsca, a potem spróbuj ponownie.",
                fix: "Aplikacja odpowiedziała na żądanie provisioning.url kodem 402, 403 lub 409."),
            .provisioningFailed: ReasonText(
                title: "Nie udało się przygotować Twojego konta",
                happened: "Aplikacja nie potwierdziła Twojego konta, więc logowanie nie nastąpiło.",
                advice: "Spróbuj ponownie za minutę.",
                fix: "provisioning.url nie zwrócił odpowiedzi o powodzeniu; jego odpowiedź jest w dzienniku."),
            .loginStateMissing: ReasonText(
                title: "Tego logowania nie rozpoczęto tutaj",
                happened: "Przeglądarka nie rozpoczęła tego logowania tutaj lub utraciła plik cookie z jego początku.",
                advice: "Zacznij ponownie od strony, którą chcesz zobaczyć, i zezwól na pliki cookie tej witryny.",
                fix:
                    "identityProvider.initiated mówi, co dzieje się z logowaniami rozpoczętymi u dostawcy. W innym razie poszukaj innej nazwy hosta, http zamiast https lub zablokowanych plików cookie."
            ),
            .loginStateExpired: ReasonText(
                title: "Logowanie trwało zbyt długo",
                happened: "Między początkiem a końcem logowania minęło ponad dziesięć minut.",
                advice: "Spróbuj ponownie.",
                fix:
                    "Nie trzeba nic robić, chyba że dzieje się to od razu: wtedy repliki mają różne sekrety sesji lub zegar przeskakuje."
            ),
            .returnURLRefused: ReasonText(
                title: "Ten adres nie należy do tej witryny", happened: "Żądany adres powrotu leży poza tą witryną.",
                advice: startInPolish,
                fix: "return_to musi być ścieżką tej witryny lub adresem URL na jej hoście albo w session.domain."),
            .returnPathMismatch: ReasonText(
                title: "Po logowaniu nastąpił powrót pod niewłaściwy adres",
                happened:
                    "Dostawca tożsamości odesłał Cię pod adres tej witryny, pod którym logowania nie są przyjmowane.",
                advice: cannotHelpInPolish,
                fix:
                    "Ustaw u dostawcy adres powrotu (URL przekierowania, URL SSO, URL ACS) na identityProvider.returnPath tej witryny albo to ustawienie na adres dostawcy. Muszą być równe, aż do ostatniego ukośnika."
            ),
            .providerError: ReasonText(
                title: "Dostawca tożsamości nie zalogował Cię",
                happened: "Dostawca tożsamości odesłał Cię z błędem zamiast logowania.",
                advice: "Spróbuj ponownie. Jeśli logowanie zostało anulowane, wszystko jest w porządku.",
                fix:
                    "Dziennik zawiera kod błędu dostawcy. Albo użytkownik odmówił lub nie może używać tego klienta, albo ustawienia klienta u dostawcy nie pasują: porównaj zakresy (scopes), typ odpowiedzi i URI przekierowania."
            ),
            .providerUnavailable: ReasonText(
                title: "Logowanie jest chwilowo niemożliwe",
                happened: "Ta witryna nie może teraz połączyć się z dostawcą tożsamości.",
                advice: "Odczekaj minutę i spróbuj ponownie. Osób już zalogowanych to nie dotyczy.",
                fix:
                    "Nie można stąd pobrać dokumentu discovery dostawcy lub jednego z jego punktów końcowych. Dziennik mówi dlaczego; `sidegate doctor` je sprawdza."
            ),
            .codeExchangeFailed: ReasonText(
                title: "Nie udało się dokończyć logowania",
                happened: "Dostawca tożsamości nie przyjął kodu, z którym Cię odesłał.", advice: againInPolish,
                fix:
                    "Dziennik zawiera kod błędu dostawcy. invalid_client: porównaj identityProvider.clientID, sekret i clientAuthentication; invalid_grant: kod był już użyty, jest zbyt stary lub wydano go dla innego URI przekierowania."
            ),
            .nonceMismatch: ReasonText(
                title: "Logowanie należy do innej próby",
                happened: "Dostawca tożsamości odpowiedział logowaniem wydanym dla innej próby.", advice: startInPolish,
                fix:
                    "Token ID musi zawierać niezmieniony nonce żądania. Jeśli zdarza się to więcej niż raz, być może ktoś używa ponownie logowań innych osób."
            ),
            .sessionExpired: ReasonText(
                title: "Twoja sesja zakończyła się",
                happened: "Twoja sesja osiągnęła maksymalny czas trwania w tej witrynie.",
                advice: "Zaloguj się ponownie.", fix: "session.lifetime określa, jak długo to trwa."),
            .sessionIdle: ReasonText(
                title: "Twoja sesja zakończyła się", happened: "Nastąpiło wylogowanie po okresie bezczynności.",
                advice: "Zaloguj się ponownie.", fix: "session.idleTimeout określa, jak długo to trwa."),
            .sessionRevoked: ReasonText(
                title: "Wylogowano Cię",
                happened: "Twoją sesję zakończono przez wylogowanie w innym miejscu lub przez administratora.",
                advice: "Zaloguj się ponownie.",
                fix: "Dostawca wysłał wylogowanie back-channel lub sesję usunięto z magazynu."),
            .sessionInvalid: ReasonText(
                title: "Twoja sesja nie jest tu ważna",
                happened: "Nie można było otworzyć pliku cookie sesji z Twojej przeglądarki.",
                advice: "Zaloguj się ponownie.",
                fix:
                    "Sekret sesji zmieniono bez zachowania starego w session.secrets, repliki mają różne sekrety lub plik cookie zmodyfikowano."
            ),
            .identityHeaderSpoofed: ReasonText(
                title: "To żądanie zostało zablokowane",
                happened: "Żądanie miało nagłówek, który aplikacja mogłaby wziąć za Twoją tożsamość.",
                advice:
                    "Przeglądarki nie wysyłają takiego nagłówka. Jeśli dodaje go rozszerzenie lub skrypt, wyłącz je.",
                fix:
                    "Z żądaniem autoryzacji serwera proxy przyszedł nagłówek, którego nazwa jest inną pisownią nagłówka tożsamości, na przykład X_Forwarded_User. Niech proxy odrzuca takie nazwy, a klienta poszukaj w jego dzienniku."
            ),
            .pathUnreadable: ReasonText(
                title: "Nie można odczytać adresu",
                happened: "Adres tej strony jest niejednoznaczny, więc żądania nie przekazano.",
                advice:
                    "Sprawdź adres lub zacznij od strony głównej. Jeśli prowadziło tu łącze, powiadom administratora.",
                fix:
                    "Ścieżka ma segment „.” lub „..”, zaczyna się od dwóch ukośników, być może zakodowanych, albo zawiera kodowanie, które serwery odczytują różnie. Klient powinien wysyłać ścieżkę bez takich segmentów i kodowań; `sidegate explain --request PATH` mówi, co jest nie tak."
            ),
            .crossSiteRequest: ReasonText(
                title: "To żądanie zostało zablokowane",
                happened: "Strona innej witryny mogła wysłać to żądanie z Twoją sesją, więc go nie przekazano.",
                advice: "Otwórz stronę w tej witrynie i spróbuj ponownie stamtąd.",
                fix:
                    "Z session.partitioned żądanie, które coś zmienia, lub WebSocket musi pochodzić ze strony tej witryny, według Sec-Fetch-Site lub Origin. Serwery proxy po drodze powinny przekazywać oba pola; programy innych witryn potrzebują tokenu Bearer."
            ),
        ])

    private static let againInPolish =
        "Spróbuj ponownie. Jeśli to nie pomoże, przekaż administratorowi kod widoczny poniżej."
    private static let cannotHelpInPolish =
        "Ponowna próba raczej nie pomoże. Przekaż administratorowi kod widoczny poniżej."
    private static let startInPolish = "Zacznij ponownie od strony, którą chcesz zobaczyć."
    private static let accessInPolish = "Użyj innego konta lub poproś administratora o dostęp."
}
