// SPDX-License-Identifier: Apache-2.0

// What differs between vendors, with the names that their pages use.

extension StarterFile {
    struct Parts {
        var provider: String
        var token: String
        var access = StarterFile.registeredUsers
        var nativeLogin = StarterFile.nativeLogin(["no_sso"])
        /// The step that says where else the secret is needed.
        var secretStep = "give token.keys[0].secret to the program that signs the tokens"
    }

    var parts: Parts {
        switch preset.name {
        case "ispring": ispring
        case "proprofs": proprofs
        case "loginradius": loginradius
        case "zendesk": zendesk
        case "metabase": metabase
        default: preset.isOpenID ? openID : generic
        }
    }

    private var generic: Parts {
        Parts(
            provider: """
                identityProvider:
                  preset: generic
                  # {returnURL} becomes publicURL and returnPath, percent-encoded: where the provider sends the browser back.
                  loginURL: "https://idp.example.com/login?return_url={returnURL}"    \(Self.mark) where users log in
                  logoutURL: ""                         # where the browser goes after logout, such as https://idp.example.com/logout
                  tokenParameter: jwt                   # the parameter that carries the token
                  returnPath: /.sidegate/callback
                  #requireState: true                   # recommended where the provider keeps the query of the return URL

                """,
            token: """
                token:
                  algorithms: [HS256]
                  keys:
                    - secret: "\(tokenSecret)"          # fresh; share it with the identity provider, or put its own here
                    # Instead, for RS256, ES256 and the like:
                    # - publicKeyFile: idp.pem
                    # - jwksURL: https://idp.example.com/.well-known/jwks.json
                  issuer: ""                            # set it when tokens carry iss
                  audience: []                          # set it when tokens carry aud
                  maxAge: 5m
                  clockSkew: 60s
                  claims:
                    user: [sub, preferred_username, email]
                  required: [email]

                """)
    }

    private var ispring: Parts {
        Parts(
            provider: """
                # The settings page "SSO Settings > JWT" of iSpring Learn, field by field. Sidegate takes the place of iSpring Learn.
                identityProvider:
                  preset: ispring
                  # "Identity provider URL": the page where the script generating JWT tokens is kept.
                  loginURL: "https://www.example.com/login-token/"                    \(Self.mark) Identity provider URL
                  # "Logout URL": the page of the script for logout; it gets ?jwt= with a token valid for a minute. "" for none.
                  logoutURL: "https://www.example.com/logout-token/"                  \(Self.mark) Logout URL, or ""
                  # "Return URL": your login script redirects to publicURL + this path + ?jwt=TOKEN. Nothing to fill in here;
                  # change the address in the script: https://yourcompany.ispringlearn.com becomes your publicURL.
                  returnPath: /sso/login/jwt
                  tokenParameter: jwt
                  # A sign-in that starts at your own site instead of here: confirm asks the user first; allow accepts it.
                  initiated: confirm

                """,
            token: """
                token:
                  algorithms: [HS256]                   # "Encryption algorithm"
                  keys:
                    # "Security key": fresh. Put it into the login script; or put the script's own here.
                    - secret: "\(tokenSecret)"
                  clockSkew: 60s
                  # "Match fields", with the page's order: the first attribute that the token has fills the field.
                  claims:
                    user: [email]
                    email: [email]                      # Email
                    familyName: [family_name]           # Last Name
                    givenName: [given_name]             # First Name
                    login: [preferred_username, sub]    # Login, then Login
                  required: [email]

                """,
            nativeLogin: """
                # Login without single sign-on (the page's /login?no_sso, and /login?no_jwt=1): the app's own login page, for when
                # the identity provider is down. Open for 15 minutes to a browser that requests it with no_sso or no_jwt.
                #nativeLogin:
                #  paths: ["/login"]                    # the app's login page
                #  with: ["/static/*"]                  # what that page needs
                #  from: ["10.0.0.0/8"]                 # clients that may request it; [] for all

                """,
            secretStep:
                "put token.keys[0].secret (\"Security key\") into the login script, and your publicURL + /sso/login/jwt as its return address"
        )
    }

    private var proprofs: Parts {
        Parts(
            provider: """
                # "How to Enable JWT Single Sign-On" of ProProfs Knowledge Base. Sidegate takes the place of the knowledge base.
                identityProvider:
                  preset: proprofs
                  # The page of your server with the PHP code. Its $domain becomes your publicURL.
                  loginURL: "https://www.example.com/sso.php"                         \(Self.mark) the page with the PHP code
                  logoutURL: ""
                  returnPath: /access/jwtsso/           # $domain/access/jwtsso/?token=…
                  tokenParameter: token
                  initiated: confirm                    # allow: accept sign-ins that start at the PHP page

                """,
            token: """
                token:
                  algorithms: [HS256]
                  keys:
                    # "API key", as it is, not its md5: the md5 is taken here, as the PHP code does. Fresh: put it into the code's
                    # md5("key goes here"), or put the key from there here.
                    - secret: "\(tokenSecret)"
                  maxAge: 3m                            # valid for 3 minutes from iat
                  minimumIDLength: 32                   # jti: minimum 32 characters
                  claims:
                    user: [user_email]
                    email: [user_email]
                    sites: [site_access]                # Site IDs, comma separated
                    guest: [guest]                      # absent: true
                  required: [email]

                """,
            access: """
                # "Only a user registered in the Knowledge Base can log in": the registered users. Without a list, every user whom the
                # PHP page sends. default: guest lets everyone see the app; users who are not registered are visitors.
                access:
                  default: signedIn
                  site: ""                              \(Self.mark) this app's Site ID, or "" when it has none
                #  users:
                #    emails: ["ada@example.com"]
                #    emailsFile: users.txt              # one a line; read again when it changes
                #    emailDomains: ["example.com"]

                """,
            secretStep: "put token.keys[0].secret into the PHP code: $key = md5(\"…\"), and your publicURL as $domain")
    }

    private var loginradius: Parts {
        Parts(
            provider: """
                identityProvider:
                  preset: loginradius
                  # The login URL is made of these: https://cloud-api.loginradius.com/sso/jwt/redirect/token?apikey=…&jwtapp=…
                  apiKey: \(Self.blank)         \(Self.mark) API Key (Configuration > API Credentials > API Key And Secret)
                  jwtApp: \(Self.blank)         \(Self.mark) App Name of the JWT app (Integration > JWT)
                  appName: \(Self.blank)        \(Self.mark) App Name of https://APPNAME.hub.loginradius.com/, the issuer
                  tokenParameter: jwt             # Query String Parameter: set it to jwt there, or put its value here
                  logoutURL: ""
                  returnPath: /.sidegate/callback # whitelist your publicURL: Configuration > Domain Whitelisting
                  #requireState: true             # recommended, once a sign-in works with it: return_url then keeps its query

                """,
            token: """
                token:
                  # Algorithms: keep the one that the JWT app has.
                  algorithms: [HS256]
                  keys:
                    # Secret Key of the JWT app: fresh. Put it there, or put its Secret Key here.
                    - secret: "\(tokenSecret)"
                    # For RS256 and the like, with that algorithm above:
                    # - publicKeyFile: loginradius.pem
                  maxAge: 10m
                  audience: []                          # set it when you map aud
                  # Enter The Key: the left column of the JWT app's mapping.
                  claims:
                    user: [sub]
                    email: [email]
                    givenName: [given_name]
                    familyName: [family_name]
                  required: []                          # [email] once you map Email to email

                """,
            secretStep:
                "put token.keys[0].secret into the JWT app as Secret Key, and whitelist publicURL (Configuration > Domain Whitelisting)"
        )
    }

    private var zendesk: Parts {
        Parts(
            provider: """
                # A JWT login script made for Zendesk. Sidegate takes the place of Zendesk: https://yoursubdomain.zendesk.com in the
                # script becomes your publicURL.
                identityProvider:
                  preset: zendesk
                  loginURL: "https://www.example.com/zendesk-sso"                     \(Self.mark) Remote login URL
                  logoutURL: ""                         # Remote logout URL; it may contain {email}
                  returnPath: /access/jwt
                  tokenParameter: jwt

                """,
            token: """
                token:
                  algorithms: [HS256]
                  keys:
                    # Shared secret: fresh. Put it into the script, or put the script's own here.
                    - secret: "\(tokenSecret)"
                  maxAge: 3m
                  minimumIDLength: 1                    # jti is needed
                  claims:
                    user: [external_id, email]
                    email: [email]
                    name: [name]
                  required: [email]

                """,
            secretStep:
                "put token.keys[0].secret (\"Shared secret\") into the script, and your publicURL as its Zendesk address"
        )
    }

    private var metabase: Parts {
        Parts(
            provider: """
                # A JWT login script made for Metabase (Admin > Settings > Authentication > JWT). Sidegate takes the place of Metabase.
                identityProvider:
                  preset: metabase
                  loginURL: "https://www.example.com/sso/metabase"                    \(Self.mark) JWT Identity Provider URI
                  logoutURL: ""
                  returnPath: /auth/sso
                  tokenParameter: jwt

                """,
            token: """
                token:
                  algorithms: [HS256]
                  keys:
                    # String used by the JWT signing key: fresh. Put it into the script, or put the script's own here.
                    - secret: "\(tokenSecret)"
                  requireExpiry: true
                  claims:
                    user: [email]
                    email: [email]                      # Email attribute
                    givenName: [first_name]             # First name attribute
                    familyName: [last_name]             # Last name attribute
                    groups: [groups]                    # Group assignment attribute
                  required: [email]

                """,
            secretStep:
                "put token.keys[0].secret into the script as its signing key, and your publicURL as its Metabase address"
        )
    }

    static let registeredUsers =
        registeredAddresses + """
            #    groups: ["staff"]                    # one of these is needed as well

            """

    /// For providers whose tokens have no groups.
    static let registeredAddresses = """
        # Registered users only; without a list every user of the identity provider is let in.
        #access:
        #  users:
        #    emails: ["ada@example.com"]
        #    emailsFile: users.txt                # one a line; read again when it changes
        #    emailDomains: ["example.com"]

        """

    static func nativeLogin(_ parameters: [String]) -> String {
        """
        # The app's own login page, for when the identity provider is down: /login?no_sso opens it for 15 minutes.
        #nativeLogin:
        #  parameters: [\(parameters.joined(separator: ", "))]
        #  paths: ["/login"]
        #  with: ["/static/*"]
        #  from: ["10.0.0.0/8"]                   # clients that may request it; [] for all

        """
    }
}
