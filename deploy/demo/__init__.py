"""What the demo starts from: invented one-stop units and rules that react within seconds."""
