// SPDX-License-Identifier: Apache-2.0

import Decisions

extension Catalogue {
    static let french = Catalogue(
        phrases: [
            .continueLabel: "Continuer", .codeLabel: "Code", .statusLabel: "Statut",
            .requestIDLabel: "ID de la requête", .timeLabel: "Heure", .signedInAsLabel: "Connecté en tant que",
            .accountLabel: "Compte", .switchAccountLabel: "Utiliser un autre compte", .tryAgainLabel: "Réessayer",
            .fixLabel: "Pour l’administrateur",

            .redirectingTitle: "Un instant",
            .redirecting: "Vous allez être redirigé. Si rien ne se passe, utilisez le lien.",
            .chooseTitle: "Connexion",
            .choose: "Choisissez comment vous souhaitez vous connecter.",
            .signedOutTitle: "Vous êtes déconnecté",
            .signedOut: "Votre session ici est terminée. Vous pouvez fermer cette page.",
            .signedOutAdvice:
                "Sur un appareil partagé, déconnectez-vous aussi de votre fournisseur d’identité.",
            .signInAgainLabel: "Se reconnecter",
            .confirmSignInTitle: "Est-ce bien vous ?",
            .confirmSignIn: "Une connexion avec ce compte a été lancée ailleurs, et non depuis cette page.",
            .confirmSignInAdvice: "Continuez seulement si vous l’avez lancée et si ce compte est le vôtre.",
            .confirmSignInLabel: "Oui, me connecter",
            .cancelSignInLabel: "Non, ce n’est pas moi",
            .returnedElsewhereTitle: "Vous avez été renvoyé vers une autre adresse",
            .confirmSignOutTitle: "Se déconnecter ?",
            .confirmSignOut: "Votre session ici prendra fin. Le travail non enregistré peut être perdu.",
            .confirmSignOutLabel: "Se déconnecter",
            .cancelSignOutLabel: "Rester connecté",
            .loginLoopTitle: "La connexion se répète",
            .loginLoop:
                "Vous avez été connecté plusieurs fois en quelques secondes, mais la session a été perdue à chaque fois. Causes probables :",
            .loopByCookies:
                "Votre navigateur bloque les cookies de ce site. Autorisez-les, y compris en navigation privée.",
            .loopByScheme:
                "L’adresse commence par http:// alors que le site attend https:// ; le navigateur rejette donc son cookie sécurisé.",
            .loopByHost: "Le site est accessible sous plusieurs noms d’hôte, et le cookie appartient à un autre.",
            .loopByClock: "L’horloge de cet appareil ou du serveur n’est pas à l’heure.",
            .loopBySecrets: "Les serveurs de ce site utilisent des secrets de session différents.",
            .upstreamDownAdvice: "Veuillez réessayer dans un instant.",

            .sessionEndedTitle: "Votre session est terminée",
            .notSignedInTitle: "Vous n’êtes pas connecté",
            .formKept:
                "Ce que vous avez saisi n’a pas encore été envoyé, mais est conservé sur cette page. Connectez-vous dans un autre onglet, puis revenez ici pour l’envoyer.",
            .formKeptAdvice: "Gardez cette page ouverte jusque-là.",
            .signedInBeforeLabel: "Connecté jusqu’ici en tant que",
            .signInLabel: "Se connecter",
            .sendFormLabel: "Envoyer",
            .formOfOtherTitle: "Envoyer avec un autre compte ?",
            .formOfOther:
                "Ce formulaire a été rempli avec un compte, et vous êtes connecté avec un autre. Il n’a pas encore été envoyé.",
            .filledInLabel: "Rempli avec",
            .signedInNowLabel: "Connecté maintenant en tant que",
            .sendFormAsLabel: "Envoyer en tant que {account}",
            .formLost: "Ce que vous avez saisi n’a pas été envoyé.",
            .formLostAdvice:
                "Connectez-vous dans un autre onglet, puis revenez en arrière dans celui-ci : la plupart des navigateurs y affichent encore ce que vous avez saisi.",
            .formLostOff: "Ce site ne conserve pas les formulaires.",
            .formLostOtherSite: "Votre saisie n’a pas pu être conservée, car elle ne venait pas d’une page de ce site.",
            .formLostType: "Votre saisie n’a pas pu être conservée, car ce n’est pas un formulaire ordinaire.",
            .formLostFiles: "Votre saisie n’a pas pu être conservée, car elle contient des fichiers.",
            .formLostSize: "Votre saisie n’a pas pu être conservée, car elle est trop volumineuse.",
            .formLostCount: "Votre saisie n’a pas pu être conservée, car elle compte trop de champs.",
            .formLostRoom: "Votre saisie n’a pas pu être conservée, car le serveur est occupé.",
            .formLostUnsendable:
                "Votre saisie n’a pas pu être conservée, car votre navigateur ne pourrait pas la renvoyer à l’identique.",
            .formLostAddress: "Votre saisie n’a pas pu être conservée, car l’adresse du formulaire est trop longue.",
            .signedInTitle: "Vous êtes connecté",
            .signedInForForm: "Revenez à l’autre onglet et envoyez votre formulaire. Vous pouvez fermer celui-ci.",
            .notSignedInForForm: "Connectez-vous, puis revenez à l’autre onglet et envoyez votre formulaire.",
            .frameTitle: "Veuillez vous connecter",
            .frame: "Cette partie de la page exige une connexion, qui n’est possible que dans la fenêtre entière.",
            .frameAdvice: "Si le bouton ne fait rien, ouvrez ce site dans un onglet à part.",
            .leaving: "Vous allez être redirigé vers la page de connexion. Si rien ne se passe, utilisez le bouton.",
            .arriving: "Vous allez être redirigé vers votre page. Si rien ne se passe, utilisez le bouton.",
            .linkTooLong:
                "L’adresse de la page que vous vouliez voir est trop longue pour être retenue pendant la connexion.",
            .linkTooLongAdvice:
                "Ouvrez de nouveau le lien : il mène maintenant à la page. Ou continuez vers la page d’accueil.",

            .otherRefusalTitle: "La requête a été refusée",
            .otherRefusal: "La requête n’a pas pu être traitée.",
            .otherFailureTitle: "Une erreur s’est produite",
            .otherFailure: "La requête n’a pas pu être traitée. Veuillez réessayer.",
            .otherReasonTitle: "La connexion n’a pas fonctionné",
            .otherReason: "La connexion n’a pas pu être menée à bien.",
            .otherReasonAdvice:
                "Veuillez réessayer. Si le problème persiste, transmettez le code et l’ID de la requête à votre administrateur.",
            .otherReasonFix: "Recherchez l’ID de la requête dans le journal.",

            .returnPathMismatch:
                "Il vous a envoyé vers {path} ; les connexions sont acceptées à {expected}.",
            .or: "ou",
            .tokenInPath:
                "Il a ajouté son jeton avec & à {path}, qui n’a pas de chaîne de requête ; le jeton est donc devenu une partie du chemin. Les connexions sont acceptées à {expected}.",
            .tokenInPathFix:
                "Le fournisseur doit ajouter le jeton avec ? quand l’adresse de retour n’a pas de chaîne de requête. S’il ne le peut pas, inscrivez-y l’adresse de retour avec un point d’interrogation à la fin.",
            .wrongUnitTitle: "Le jeton de connexion compte le temps en {unit}",
            .wrongUnit:
                "L’heure « {claim} » du jeton de connexion est en {unit}, alors que les jetons comptent en secondes ; elle se situe donc loin dans l’avenir.",
            .wrongUnitAdvice: "Réessayer ne servira à rien. Communiquez le code ci-dessous à votre administrateur.",
            .wrongUnitFix: "Le fournisseur doit envoyer des secondes entières depuis 1970.",
            .wrongUnitFixByScript:
                "Le fournisseur doit diviser ses heures par 1000 ; en JavaScript, Math.floor(Date.now() / 1000).",
            .milliseconds: "millisecondes", .microseconds: "microsecondes", .nanoseconds: "nanosecondes",
            .fieldMissing: "Le champ {field} manque.",
            .fieldMissingInClaims: "Le champ {field} manque (claims : {claims}).",
            .emailUnverified:
                "Le claim email ne compte pas, car email_verified n’est pas true (token.acceptUnverifiedEmail).",
            .fieldNotText: "Le champ {field} n’est ni un texte ni une liste de textes.",
            .fieldValueCount: "Le champ {field} a {count} valeurs ; {limit} au plus sont acceptées.",
            .fieldSingleValue: "Le champ {field} a {count} valeurs ; une seule est acceptée.",
            .fieldValueLength: "Le champ {field} a une valeur de {count} octets ; {limit} au plus sont acceptés.",
            .fieldControlCharacter: "Le champ {field} contient un caractère de contrôle.",
            .fieldBlankEnd: "Le champ {field} a un espace au début ou à la fin.",
            .fieldWithoutSingleAt: "Le champ {field} ne contient pas exactement un @.",
            .fieldNotPlainEmail: "Le champ {field} n’est pas une simple adresse e-mail unique.",
            .fieldTotal:
                "Avec le champ {field}, tous les champs font ensemble {count} octets ; {limit} au plus sont acceptés.",
            .sessionTooLarge:
                "La session ne tient pas dans les {limit} cookies autorisés ; son champ le plus volumineux est {field}, avec {count} octets.",
            .fieldAdvice: "Réessayer ne servira à rien. Demandez à votre administrateur de corriger votre compte.",
            .returnedElsewhere:
                "Le fournisseur d’identité vous a renvoyé vers {actual}, mais l’adresse de ce site est {expected} ; le cookie créé au début de la connexion n’existe qu’à cette adresse.",
            .providerErrorCode: "Son code d’erreur est {code}.",
            .providerSentNothing: "Il n’a envoyé ni code ni erreur.",
            .otherResponseMode: "Il a envoyé sa réponse {actual} ; ce site l’accepte {expected}.",
            .responseInURL: "dans l’URL",
            .responseInForm: "dans un formulaire",
            .openIDStateFix:
                "Avec OpenID Connect, une connexion commence dans l’application : faites mener les liens des portails à publicURL. Sinon, cherchez un autre nom d’hôte, http au lieu de https, ou des cookies bloqués.",
            .openIDResponseFix:
                "Autorisez au client le flux authorization code chez le fournisseur. La réponse doit arriver comme le dit identityProvider.responseMode.",
            .openIDTokenFix:
                "La réponse ne doit contenir aucun paramètre en double, et le jeton d’identité doit être signé et non chiffré, avec sub, iat et exp, comme le demande OpenID Connect Core 1.0.",
            .openIDKeyFix:
                "La clé qui a signé le jeton d’identité doit se trouver dans le jeu de clés jwks_uri du fournisseur. Le journal indique les échecs de récupération ; `sidegate doctor` en essaie une.",
            .openIDIssuerFix:
                "identityProvider.issuer doit être exactement égal au \"iss\" de la réponse et du jeton d’identité, jusqu’à la dernière barre oblique.",
            .openIDAudienceFix:
                "identityProvider.clientID doit être le client auquel le jeton d’identité est destiné (\"aud\", \"azp\").",
        ],
        statuses: [
            400: StatusWords(
                title: "La requête est illisible",
                message: "Votre navigateur, ou un intermédiaire, a envoyé une requête mal formée."),
            401: StatusWords(
                title: "Veuillez vous connecter", message: "Cette page n’est visible que pour les personnes connectées."
            ),
            403: StatusWords(title: "Accès refusé", message: "Vous ne pouvez pas voir cette page."),
            404: StatusWords(title: "Page introuvable", message: "Il n’y a pas de page à cette adresse."),
            405: StatusWords(
                title: "Méthode non autorisée", message: "Cette adresse n’accepte pas ce type de requête."),
            408: StatusWords(
                title: "La requête a pris trop de temps",
                message: "Votre navigateur n’a pas terminé sa requête à temps. Veuillez réessayer."),
            411: StatusWords(
                title: "La requête n’indique pas sa longueur", message: "Cette adresse exige la longueur du contenu."),
            413: StatusWords(
                title: "Le contenu est trop volumineux",
                message: "Le contenu est plus volumineux que ce que ce site accepte."),
            414: StatusWords(
                title: "L’adresse est trop longue",
                message: "L’adresse de cette page est plus longue que ce que ce site accepte."),
            417: StatusWords(
                title: "L’attente ne peut être satisfaite",
                message: "Votre navigateur attend quelque chose que ce site ne prend pas en charge."),
            421: StatusWords(title: "Mauvais serveur", message: "Ce serveur n’héberge pas le site demandé."),
            429: StatusWords(
                title: "Trop de requêtes",
                message: "Vous avez envoyé trop de requêtes. Veuillez réessayer dans un instant."),
            431: StatusWords(
                title: "La requête est trop volumineuse",
                message:
                    "Votre navigateur a envoyé plus de champs ou de cookies que ce site n’en accepte. Supprimer les cookies de ce site peut aider."
            ),
            500: StatusWords(
                title: "Une erreur s’est produite",
                message: "La requête a échoué à cause d’une erreur de ce site. Veuillez réessayer."),
            501: StatusWords(
                title: "Non pris en charge", message: "Ce site ne prend pas en charge ce type de requête."),
            502: StatusWords(
                title: "L’application ne répond pas",
                message:
                    "Vous avez atteint ce site, mais l’application qui se trouve derrière n’a pas donné de réponse valide."
            ),
            503: StatusWords(
                title: "Indisponible pour le moment",
                message: "Ce site démarre, s’arrête ou est saturé. Veuillez réessayer dans un instant."),
            504: StatusWords(
                title: "L’application met trop de temps",
                message: "Vous avez atteint ce site, mais l’application qui se trouve derrière n’a pas répondu à temps."
            ),
            505: StatusWords(
                title: "Version de HTTP non prise en charge",
                message: "Votre navigateur a utilisé une version de HTTP que ce site ne prend pas en charge."),
        ],
        reasons: [
            .tokenMissing: ReasonText(
                title: "Aucun jeton de connexion reçu",
                happened: "Le fournisseur d’identité vous a renvoyé sans jeton de connexion.", advice: startInFrench,
                fix:
                    "Comparez identityProvider.tokenParameter avec le paramètre qu’utilise le fournisseur, et vérifiez que rien en chemin (une redirection, un cache) ne coupe la chaîne de requête."
            ),
            .tokenTooLarge: ReasonText(
                title: "Le jeton de connexion est trop volumineux",
                happened: "Le fournisseur d’identité a envoyé un jeton de connexion de plus de 16 Kio.",
                advice: cannotHelpInFrench,
                fix:
                    "Le fournisseur doit mettre moins de choses dans le jeton ; de longues listes de groupes en sont la cause habituelle."
            ),
            .tokenMalformed: ReasonText(
                title: "Le jeton de connexion est endommagé",
                happened: "Le fournisseur d’identité a envoyé un jeton de connexion mal formé, ou plusieurs.",
                advice: againInFrench,
                fix:
                    "Le jeton doit être un JWS compact : trois parties en base64url sans remplissage, séparées par des points, données une seule fois. `sidegate explain` montre où il est défectueux ; souvent, le fournisseur ajoute du remplissage ou encode l’URL deux fois."
            ),
            .headerMalformed: ReasonText(
                title: "Le jeton de connexion est endommagé",
                happened: "La première partie du jeton de connexion, son en-tête, est illisible.",
                advice: againInFrench,
                fix:
                    "L’en-tête doit être un objet JSON en UTF-8 avec \"alg\" et sans noms en double. Pour les fournisseurs qui écrivent les noms autrement, définissez token.headerAliases."
            ),
            .claimsMalformed: ReasonText(
                title: "Le jeton de connexion est endommagé",
                happened: "La deuxième partie du jeton de connexion, les informations à votre sujet, est illisible.",
                advice: againInFrench,
                fix:
                    "Les claims doivent être un objet JSON en UTF-8 sans noms en double, et les heures doivent être des nombres, pas du texte. Un jeton de déconnexion ne permet pas de se connecter."
            ),
            .algorithmNotAllowed: ReasonText(
                title: "Le jeton de connexion est signé d’une manière inattendue",
                happened: "Le jeton de connexion utilise un algorithme de signature que ce site n’accepte pas.",
                advice: cannotHelpInFrench,
                fix:
                    "Le fournisseur doit signer avec l’un des token.algorithms ; ou ajoutez-y son algorithme si vous voulez l’accepter."
            ),
            .algorithmMissing: ReasonText(
                title: "Le jeton de connexion ne dit pas comment il est signé",
                happened: "Le jeton de connexion n’indique aucun algorithme de signature.", advice: cannotHelpInFrench,
                fix:
                    "L’en-tête du jeton doit contenir \"alg\". Pour les fournisseurs qui l’écrivent autrement, définissez token.headerAliases."
            ),
            .criticalHeaderUnsupported: ReasonText(
                title: "Le jeton de connexion exige une extension inconnue",
                happened: "Le jeton de connexion exige une extension (« crit ») que ce site ne prend pas en charge.",
                advice: cannotHelpInFrench,
                fix: "Désactivez l’extension chez le fournisseur ; aucun en-tête critique n’est pris en charge."),
            .keyNotFound: ReasonText(
                title: "Le jeton de connexion ne peut pas être vérifié",
                happened:
                    "Ce site n’a pas de clé correspondant à celle avec laquelle le jeton de connexion a été signé.",
                advice: againInFrench,
                fix:
                    "Comparez les \"kid\" et \"alg\" du jeton avec token.keys. Si le fournisseur a changé de clés, mettez à jour le fichier ou l’ensemble de clés."
            ),
            .signatureInvalid: ReasonText(
                title: "Le jeton de connexion n’est pas authentique",
                happened: "La signature du jeton de connexion ne correspond pas.", advice: againInFrench,
                fix:
                    "Les deux côtés doivent avoir le même secret (ou la paire de clés correspondante). Vérifiez token.keys : secretEncoding, une espace ou une fin de ligne en trop, et le bon environnement (test ou production)."
            ),
            .expired: ReasonText(
                title: "Cette connexion a expiré",
                happened: "Le jeton de connexion n’était valable que peu de temps, et il a expiré.",
                advice:
                    "Veuillez réessayer. Une page restée longtemps ouverte ou un ancien lien en est la cause habituelle.",
                fix:
                    "Si cela se produit aussitôt, comparez les horloges de cette machine et du fournisseur ; token.clockSkew tolère de petits écarts."
            ),
            .notYetValid: ReasonText(
                title: "Cette connexion n’est pas encore valable",
                happened: "Le jeton de connexion n’est pas encore valable.",
                advice: "Veuillez patienter une minute, puis réessayer.",
                fix:
                    "L’horloge de cette machine retarde sur celle du fournisseur (\"nbf\"). Synchronisez les deux, ou augmentez token.clockSkew."
            ),
            .issuedInFuture: ReasonText(
                title: "Cette connexion est datée dans le futur",
                happened: "D’après l’horloge de ce site, le jeton de connexion a été émis dans le futur.",
                advice: "Veuillez patienter une minute, puis réessayer.",
                fix:
                    "L’horloge de cette machine retarde sur celle du fournisseur (\"iat\"). Synchronisez les deux, ou augmentez token.clockSkew."
            ),
            .tooOld: ReasonText(
                title: "Cette connexion est trop ancienne",
                happened: "Le jeton de connexion a été émis il y a plus longtemps que ce site ne l’accepte.",
                advice: "Veuillez réessayer, en partant de la page que vous vouliez voir.",
                fix:
                    "token.maxAge compte à partir de \"iat\". Comparez les horloges, ou augmentez cette valeur si le fournisseur tarde à rediriger."
            ),
            .expiryMissing: ReasonText(
                title: "Le jeton de connexion n’a pas d’heure d’expiration",
                happened: "Le jeton de connexion ne dit pas quand il expire, et ce site l’exige.",
                advice: cannotHelpInFrench,
                fix:
                    "Le fournisseur doit ajouter \"exp\" ; ou définissez token.requireExpiry sur false et fiez-vous à token.maxAge."
            ),
            .issuedAtMissing: ReasonText(
                title: "Le jeton de connexion n’a pas d’heure d’émission",
                happened: "Le jeton de connexion ne dit pas quand il a été émis.", advice: cannotHelpInFrench,
                fix:
                    "Sans \"exp\", le jeton a besoin de \"iat\". Pour les fournisseurs qui l’écrivent autrement, définissez token.claimAliases."
            ),
            .issuerMismatch: ReasonText(
                title: "La connexion vient d’un autre fournisseur",
                happened:
                    "Le jeton de connexion a été émis par un autre fournisseur d’identité que celui auquel ce site fait confiance.",
                advice: cannotHelpInFrench,
                fix: "token.issuer doit être identique au \"iss\" du jeton, jusqu’à la barre oblique finale."),
            .audienceMismatch: ReasonText(
                title: "La connexion est destinée à un autre site",
                happened: "Le jeton de connexion a été émis pour une autre application.", advice: startInFrench,
                fix:
                    "Inscrivez le \"aud\" du jeton dans token.audience. Un jeton qui nomme une audience est refusé tant que cette liste est vide."
            ),
            .idMissing: ReasonText(
                title: "Le jeton de connexion n’a pas d’ID",
                happened: "Il manque au jeton de connexion l’ID unique que ce site exige.", advice: cannotHelpInFrench,
                fix: "Le fournisseur doit ajouter \"jti\" ; ou définissez token.minimumIDLength sur 0."),
            .idTooShort: ReasonText(
                title: "L’ID du jeton de connexion est trop court",
                happened: "L’ID unique du jeton de connexion est plus court que ce site ne l’exige.",
                advice: cannotHelpInFrench,
                fix: "Le fournisseur doit utiliser un \"jti\" plus long ; ou diminuez token.minimumIDLength."),
            .replayed: ReasonText(
                title: "Cette connexion a déjà été utilisée",
                happened: "Chaque jeton de connexion ne sert qu’une fois, et celui-ci a déjà été utilisé.",
                advice:
                    "Veuillez réessayer. Revenir en arrière dans le navigateur, ou actualiser, en est la cause habituelle.",
                fix:
                    "Si cela touche beaucoup d’utilisateurs à la fois : quelque chose en chemin (un analyseur de liens, un proxy) ouvre l’URL de retour avant le navigateur."
            ),
            .replayStoreUnavailable: ReasonText(
                title: "La connexion n’est pas possible pour le moment",
                happened:
                    "Ce site n’a pas pu vérifier si le jeton de connexion avait déjà été utilisé ; il n’en accepte donc aucun.",
                advice: "Veuillez réessayer dans une minute.",
                fix: "Le stockage partagé est injoignable ; replay.onFailure décide de ce qui se passe alors."),
            .replayStoreFull: ReasonText(
                title: "Trop de connexions pour le moment",
                happened:
                    "Ce site n’a plus de place pour retenir que le jeton de connexion a été utilisé ; il n’en accepte donc aucun.",
                advice: "Veuillez réessayer dans quelques minutes.",
                fix:
                    "La mémoire des jetons utilisés est pleine (replay.maxEntries). Augmentez cette valeur, réduisez la durée de validité des jetons (\"exp\", token.maxAge), ou définissez replay.store sur redis."
            ),
            .fieldMissing: ReasonText(
                title: "Il manque des informations sur le compte",
                happened: "Le fournisseur d’identité n’a pas envoyé des informations sur le compte que ce site exige.",
                advice: "Demandez à votre administrateur de compléter votre compte, par exemple son adresse e-mail.",
                fix: "Chaque champ de token.required doit provenir de l’un de ses claims dans token.claims."),
            .fieldInvalid: ReasonText(
                title: "Des informations sur le compte ne sont pas valables",
                happened: "Les informations sur votre compte contiennent une valeur que ce site ne peut pas accepter.",
                advice: "Demandez à votre administrateur de vérifier votre compte, par exemple son adresse e-mail.",
                fix:
                    "Une adresse e-mail a exactement un @ ; aucun champ ne peut contenir de caractères de contrôle. Un champ peut avoir 512 valeurs de 1024 octets (une adresse e-mail : 320), et tous les champs ensemble 10 Kio."
            ),
            .userNotRegistered: ReasonText(
                title: "Votre compte n’est pas enregistré ici",
                happened: "Vous êtes connecté, mais ce site ne connaît pas votre compte.",
                advice: "Utilisez un autre compte, ou demandez à votre administrateur d’enregistrer celui-ci.",
                fix: "Ajoutez l’adresse à access.users (emails, emailsFile, emailDomains ou groups)."),
            .siteNotGranted: ReasonText(
                title: "Votre compte n’a pas accès à ce site",
                happened: "Vous êtes connecté, mais votre compte n’est pas autorisé sur ce site.",
                advice: accessInFrench,
                fix: "Les sites du jeton doivent contenir access.site."),
            .guestRefused: ReasonText(
                title: "Les invités n’ont pas accès",
                happened:
                    "Votre compte n’est pas enregistré ici, et votre connexion ne permet pas l’accès en tant qu’invité.",
                advice: "Utilisez un autre compte, ou demandez à votre administrateur d’enregistrer celui-ci.",
                fix:
                    "Le \"guest\" du jeton est false et access.users ne contient pas le compte ; enregistrez-le, ou faites envoyer guest à true par le fournisseur."
            ),
            .groupMissing: ReasonText(
                title: "Cette page est réservée à un autre groupe",
                happened: "Vous êtes connecté, mais votre compte n’appartient à aucun groupe qui peut voir cette page.",
                advice: "Utilisez un autre compte, ou demandez à votre administrateur de vous ajouter au groupe.",
                fix:
                    "Le réglage access.users.groups ou une règle de access.rules exige un groupe ; `sidegate explain` montre ceux que porte le jeton."
            ),
            .ruleDenied: ReasonText(
                title: "Vous ne pouvez pas voir cette page",
                happened: "Les règles de ce site n’autorisent pas cette page pour votre compte.",
                advice: accessInFrench,
                fix: "Une règle de access.rules interdit ce chemin, ou exige un champ que le compte n’a pas."),
            .providerNotAllowed: ReasonText(
                title: "Une autre connexion est nécessaire ici",
                happened:
                    "Cette page n’est pas destinée aux comptes du fournisseur d’identité auprès duquel vous vous êtes connecté.",
                advice: "Connectez-vous autrement, ou demandez l’accès à votre administrateur.",
                fix:
                    "Une règle de access.rules nomme d’autres fournisseurs, ou hosts de identityProviders ne propose pas celui-ci sur cet hôte."
            ),
            .identityHeadTooLarge: ReasonText(
                title: "Votre compte contient trop d’informations",
                happened: "Ce que ce site indiquerait à l’application sur votre compte dépasse ce qu’elle accepte.",
                advice: "Demandez à votre administrateur de réduire le nombre de groupes de votre compte.",
                fix:
                    "Les en-têtes d’identité dépassent upstream.headerBytes. Faites envoyer moins de groupes par le fournisseur, retirez des en-têtes de identityHeaders, ou augmentez la limite si l’application accepte davantage."
            ),
            .seatLimitReached: ReasonText(
                title: "Aucune place libre",
                happened: "Toutes les places de cette application sont prises ; aucun compte ne peut donc être ajouté.",
                advice: "Demandez à votre administrateur de libérer ou d’ajouter une place, puis réessayez.",
                fix: "L’application a répondu à la requête de provisioning.url par 402, 403 ou 409."),
            .provisioningFailed: ReasonText(
                title: "Votre compte n’a pas pu être configuré",
                happened: "L’application n’a pas confirmé votre compte ; vous n’avez donc pas été connecté.",
                advice: "Veuillez réessayer dans une minute.",
                fix: "provisioning.url n’a pas renvoyé de réponse positive ; sa réponse est dans le journal."),
            .loginStateMissing: ReasonText(
                title: "Cette connexion n’a pas commencé ici",
                happened:
                    "Votre navigateur n’a pas commencé cette connexion ici, ou il a perdu le cookie créé au début.",
                advice:
                    "Veuillez recommencer à partir de la page que vous vouliez voir, et autoriser les cookies pour ce site.",
                fix:
                    "identityProvider.initiated dit ce qu’il advient des connexions qui commencent chez le fournisseur. Sinon, cherchez un autre nom d’hôte, http au lieu de https, ou des cookies bloqués."
            ),
            .loginStateExpired: ReasonText(
                title: "La connexion a pris trop de temps",
                happened: "Plus de dix minutes se sont écoulées entre le début et la fin de la connexion.",
                advice: "Veuillez réessayer.",
                fix:
                    "Rien à faire, sauf si cela se produit aussitôt : les réplicas ont alors des secrets de session différents, ou l’horloge fait des sauts."
            ),
            .returnURLRefused: ReasonText(
                title: "Cette adresse n’est pas sur ce site",
                happened: "L’adresse de retour demandée se trouve hors de ce site.", advice: startInFrench,
                fix: "return_to doit être un chemin de ce site, ou une URL sur son hôte ou sous session.domain."),
            .returnPathMismatch: ReasonText(
                title: "Vous avez été renvoyé vers la mauvaise adresse",
                happened:
                    "Le fournisseur d’identité vous a renvoyé vers une adresse de ce site où aucune connexion n’est acceptée.",
                advice: cannotHelpInFrench,
                fix:
                    "Réglez l’adresse de retour chez le fournisseur (URL de redirection, URL SSO, URL ACS) sur identityProvider.returnPath de ce site, ou ce réglage sur celui du fournisseur. Les deux doivent être identiques, jusqu’à la barre oblique finale."
            ),
            .providerError: ReasonText(
                title: "Le fournisseur d’identité ne vous a pas connecté",
                happened: "Le fournisseur d’identité vous a renvoyé avec une erreur au lieu d’une connexion.",
                advice: "Veuillez réessayer. Si vous avez annulé la connexion, tout va bien.",
                fix:
                    "Le journal contient le code d’erreur du fournisseur. Soit l’utilisateur a refusé ou ne peut pas utiliser ce client, soit les réglages du client chez le fournisseur ne conviennent pas : comparez les scopes, le type de réponse et l’URI de redirection."
            ),
            .providerUnavailable: ReasonText(
                title: "La connexion n’est pas possible pour le moment",
                happened: "Ce site ne peut pas joindre le fournisseur d’identité pour le moment.",
                advice:
                    "Veuillez patienter une minute, puis réessayer. Les utilisateurs déjà connectés ne sont pas concernés.",
                fix:
                    "Le document de découverte du fournisseur, ou l’un de ses points d’accès, ne peut être récupéré d’ici. Le journal dit pourquoi ; `sidegate doctor` les essaie."
            ),
            .codeExchangeFailed: ReasonText(
                title: "La connexion n’a pas pu être menée à bien",
                happened: "Le fournisseur d’identité n’a pas accepté le code avec lequel il vous a renvoyé.",
                advice: againInFrench,
                fix:
                    "Le journal contient le code d’erreur du fournisseur. invalid_client : comparez identityProvider.clientID, le secret et clientAuthentication ; invalid_grant : le code a déjà été utilisé, est trop ancien ou a été émis pour une autre URI de redirection."
            ),
            .nonceMismatch: ReasonText(
                title: "La connexion appartient à une autre tentative",
                happened: "Le fournisseur d’identité a répondu par une connexion émise pour une autre tentative.",
                advice: startInFrench,
                fix:
                    "Le jeton d’identité doit contenir le nonce de la requête, inchangé. Si cela se produit plus d’une fois, quelqu’un réutilise peut-être les connexions d’autres personnes."
            ),
            .sessionExpired: ReasonText(
                title: "Votre session est terminée", happened: "Votre session a atteint la durée maximale de ce site.",
                advice: "Veuillez vous reconnecter.", fix: "session.lifetime fixe cette durée."),
            .sessionIdle: ReasonText(
                title: "Votre session est terminée",
                happened: "Vous avez été déconnecté après une période d’inactivité.",
                advice: "Veuillez vous reconnecter.", fix: "session.idleTimeout fixe cette durée."),
            .sessionRevoked: ReasonText(
                title: "Vous avez été déconnecté",
                happened: "Votre session a été fermée, par une déconnexion ailleurs ou par un administrateur.",
                advice: "Veuillez vous reconnecter.",
                fix:
                    "Le fournisseur a envoyé une déconnexion back-channel, ou la session a été retirée du stockage."
            ),
            .sessionInvalid: ReasonText(
                title: "Votre session n’est pas valable ici",
                happened: "Le cookie de session de votre navigateur n’a pas pu être ouvert.",
                advice: "Veuillez vous reconnecter.",
                fix:
                    "Le secret de session a changé sans que l’ancien soit gardé dans session.secrets, les réplicas ont des secrets différents, ou le cookie a été altéré."
            ),
            .identityHeaderSpoofed: ReasonText(
                title: "Cette requête a été bloquée",
                happened: "La requête avait un en-tête qu’une application pourrait prendre pour votre identité.",
                advice:
                    "Les navigateurs n’envoient pas un tel en-tête. Si une extension ou un script l’ajoute, désactivez-le.",
                fix:
                    "Un en-tête dont le nom est une autre graphie d’un en-tête d’identité, comme X_Forwarded_User, est arrivé avec la demande d’autorisation d’un proxy. Faites rejeter de tels noms par le proxy, et cherchez le client dans son journal."
            ),
            .pathUnreadable: ReasonText(
                title: "L’adresse est illisible",
                happened: "L’adresse de cette page est ambiguë ; la requête n’a donc pas été transmise.",
                advice:
                    "Vérifiez l’adresse, ou partez de la page d’accueil. Si un lien vous a conduit ici, prévenez votre administrateur.",
                fix:
                    "Le chemin contient un segment « . » ou « .. », commence par deux barres obliques, peut-être encodées, ou contient un encodage que les serveurs lisent différemment. Le client doit envoyer le chemin déjà résolu ; `sidegate explain --request PATH` dit ce qui ne va pas."
            ),
            .crossSiteRequest: ReasonText(
                title: "Cette requête a été bloquée",
                happened:
                    "La page d’un autre site a peut-être envoyé cette requête avec votre session ; elle n’a donc pas été transmise.",
                advice: "Ouvrez la page sur ce site, puis réessayez à partir de là.",
                fix:
                    "Avec session.partitioned, une requête qui modifie quelque chose, ou un WebSocket, doit venir d’une page de ce site, d’après Sec-Fetch-Site ou Origin. Les proxys en amont doivent transmettre ces deux champs ; les programmes d’autres sites ont besoin d’un jeton Bearer."
            ),
        ])

    private static let againInFrench =
        "Veuillez réessayer. Si le problème persiste, communiquez le code ci-dessous à votre administrateur."
    private static let cannotHelpInFrench =
        "Réessayer n’aidera probablement pas. Communiquez le code ci-dessous à votre administrateur."
    private static let startInFrench = "Veuillez recommencer à partir de la page que vous vouliez voir."
    private static let accessInFrench = "Utilisez un autre compte, ou demandez l’accès à votre administrateur."
}
