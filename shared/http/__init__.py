"""HTTP manners that all services share: problem bodies and how a server is run."""
