"""The four services and what every one of them is made of (`runtime`)."""
