"""The local stack's sign-in: a small OpenID provider, so that the console and the command line run as deployed.

Rule: whoever asks is believed, for everything here is on this machine; the protocol is kept to the letter all the same.
It speaks RFC 6749, 7636 (S256 alone), 8628 and 9207, OpenID Connect Core, Discovery and RP-Initiated Logout. JWTs are
PyJWT's. The flows are our own and not Authlib's: its server wants a web framework's requests and a class for each thing
that is stored, which is more code than these rules, and another package to keep up.
"""
